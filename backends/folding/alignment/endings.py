"""How files of proteins are called; what they hold is decided by their content."""

STRUCTURE_ENDINGS = ("pdb", "ent", "cif", "mmcif", "pqr", "gro")
SEQUENCE_ENDINGS = (
    *("fasta", "fa", "faa", "fas", "seq", "pir", "gp", "a3m", "a2m", "sto", "stk", "stockholm", "aln"),
    *("clustal", "clw", "afa", "msa"),
)
PACKED_ENDINGS = ("gz", "bz2", "xz")
SUFFIXES = (*SEQUENCE_ENDINGS, *STRUCTURE_ENDINGS, *PACKED_ENDINGS)
"""Those that are taken out of a folder, where a text may be anything."""
