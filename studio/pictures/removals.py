"""Removing pictures and classes from a project so that it can be undone: what was removed is kept beside the state."""

from __future__ import annotations

import secrets
from dataclasses import replace

from backends.core.errors import BadInput
from studio.pictures.schema import MAX_REMOVALS, ImageClass, ProjectState, Removal, normalise_name
from studio.ui import formatting


def remove_class(state: ProjectState, mine: ImageClass) -> None:
    """Remove a class with its examples."""
    place = state.classes.index(mine)
    state.classes.remove(mine)
    _remember(state, Removal(secrets.token_hex(4), [mine], place))


def remove_pictures(state: ProjectState, gone: set[str], questions: bool) -> None:
    """Remove pictures from the examples, or from the questions."""
    removal = Removal(secrets.token_hex(4))
    if questions:
        removal.questions = [sha for sha in state.questions if sha in gone]
        state.questions = [sha for sha in state.questions if sha not in gone]
    else:
        for each in state.classes:
            if shots := [sha for sha in each.shots if sha in gone]:
                removal.classes.append(replace(each, shots=shots))
                each.shots = [sha for sha in each.shots if sha not in gone]
    if removal.classes or removal.questions:
        _remember(state, removal)


def undo(state: ProjectState, removal_id: str) -> None:
    """Bring back what was removed; a picture that has become an example meanwhile stays where it is.

    Raises:
        BadInput: the removal is not there any more.
    """
    removal = _find(state, removal_id)
    state.removals.remove(removal)
    state.pictures |= removal.pictures
    for each in removal.classes:
        mine = next((one for one in state.classes if one.id == each.id), None)
        if mine is None:
            mine = replace(each, name=_unused_name(state, each.name), shots=[])
            place = removal.place if removal.place >= 0 else len(state.classes)
            state.classes.insert(min(place, len(state.classes)), mine)
        mine.shots += [sha for sha in each.shots if state.class_of(sha) is None]
    state.questions[:0] = [sha for sha in removal.questions if sha not in state.questions]


def forget(state: ProjectState, removal_id: str) -> set[str]:
    """Make a removal final; returns the sha256 of its pictures, whose files may go."""
    removal = _find(state, removal_id)
    state.removals.remove(removal)
    return set(removal.pictures)


def forget_old(state: ProjectState) -> set[str]:
    """Make all but the newest removals final; returns the sha256 of their pictures."""
    old, state.removals = state.removals[:-MAX_REMOVALS], state.removals[-MAX_REMOVALS:]
    return {sha for removal in old for sha in removal.pictures}


def shas(state: ProjectState) -> set[str]:
    """Every picture of every removal that can be undone."""
    return {sha for removal in state.removals for sha in removal.pictures}


def sentence(removal: Removal) -> str:
    """What was removed, in words."""
    count = sum(len(each.shots) for each in removal.classes)
    if removal.questions:
        count = len(removal.questions)
        return f"{formatting.count(count, 'question')} {_verb(count)} removed."
    names = " and ".join(f"“{each.name}”" for each in removal.classes[:2])
    names += " and others" if len(removal.classes) > 2 else ""
    if removal.place >= 0:
        return f"{names} with {formatting.count(count, 'example')} was removed."
    return f"{formatting.count(count, 'example')} of {names} {_verb(count)} removed."


def _verb(count: int) -> str:
    return "was" if count == 1 else "were"


def _remember(state: ProjectState, removal: Removal) -> None:
    gone = [*removal.questions, *(sha for each in removal.classes for sha in each.shots)]
    removal.pictures = {sha: state.pictures[sha] for sha in gone}
    state.removals.append(removal)


def _find(state: ProjectState, removal_id: str) -> Removal:
    found = next((one for one in state.removals if one.id == removal_id), None)
    if found is None:
        raise BadInput("This cannot be brought back any more: it was done in another window, or is too long ago.")
    return found


def _unused_name(state: ProjectState, name: str) -> str:
    """The name, with a number where another class has it by now."""
    taken = {normalise_name(each.name) for each in state.classes}
    candidates = (name, *(f"{name} ({number})" for number in range(2, len(taken) + 3)))
    return next(one for one in candidates if normalise_name(one) not in taken)
