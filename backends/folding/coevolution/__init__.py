"""Folding from an alignment alone: couplings, contacts, restraints, descent."""
