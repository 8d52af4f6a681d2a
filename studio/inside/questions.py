"""The questions that can be asked of a model, as data: the list of a task on the page is made from this."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        id: in the address.
        task: whose models can be asked.
        sentence: as a visitor would ask it.
        meaning: what is done to answer it, and what the answer is; shown on hover.
        face: how the answer is shown: "map", "parts", or the name of a panel of the task's own.
        method: of `backends.attribution`; "" for the one that suits the model.
        target: what is explained, where the visitor does not choose it.
        asks: what the visitor chooses: "target", "against", "interval", "moment", "area", "pair", "stretch", "picture".
        detail: how many parts a side of the input is divided into; 0 for the usual.
        engines: that can be asked; empty for all.
    """

    id: str
    task: str
    sentence: str
    meaning: str
    face: str = "map"
    method: str = ""
    target: str = ""
    asks: tuple[str, ...] = ()
    detail: int = 0
    engines: tuple[str, ...] = ()


SONGS = (
    Question(
        "heard",
        "separation",
        "What in the song made this stem?",
        "Each patch of time and pitch is silenced in turn, and the stem is made again. The map shows by how many dB "
        "the stem fell: what it was made from. You can hear it, too.",
        asks=("target", "interval"),
    ),
    Question(
        "contrast",
        "separation",
        "Why this stem and not another one?",
        "As above, for the difference of two stems: what makes the model give this sound to one and not to the other.",
        asks=("target", "against", "interval"),
    ),
    Question(
        "leak",
        "separation",
        "Why do I hear other instruments in this stem?",
        "The song is mixed anew from every choice of its parts and separated each time. Each part gets its fair share "
        "of the stem's level (Shapley values): the shares add up to the level.",
        face="parts",
        method="shapley",
        asks=("target", "interval"),
    ),
    Question(
        "branches",
        "separation",
        "Which half of the network heard it?",
        "The network listens twice: to the wave itself and to its spectrogram, and adds both up. Hear each half alone.",
        face="branches",
        method="branches",
        asks=("target", "interval"),
        engines=("demucs",),
    ),
    Question(
        "reach",
        "separation",
        "How far around does it listen?",
        "How much of what the stem reacts to lies within each distance, before and after the stretch you ask about.",
        face="reach",
        method="reach",
        asks=("target", "interval"),
        engines=("demucs",),
    ),
    Question(
        "attention",
        "separation",
        "Which moments does it bring together?",
        "Between its two halves a transformer passes on numbers from moment to moment; this shows from where to where, "
        "layer by layer and head by head. It is what flows, not why it answers.",
        face="attention",
        method="attention_maps",
        asks=("target", "interval"),
        engines=("demucs",),
    ),
    Question(
        "wipe",
        "separation",
        "What if a part of the sound were missing?",
        "Wipe a rectangle out of the spectrogram and hear the stem again, before and after.",
        face="wipe",
        asks=("target", "interval"),
    ),
)

VIDEOS = (
    Question(
        "person",
        "matting",
        "Why is this part of the person, or half transparent?",
        "Each patch of the frame is covered in turn. The map shows by how much the place you chose loses its part in "
        "the person: what the model looks at to decide.",
        target="person",
        asks=("moment", "area"),
    ),
    Question(
        "views",
        "matting",
        "Who decided: the rough outline, or the fine edge?",
        "The network looks three times: roughly where people are, finely where edges run, and then it makes the matte "
        "of both. All three, side by side.",
        face="views",
        method="branches",
        asks=("moment", "area"),
        engines=("modnet",),
    ),
    Question(
        "elsewhere",
        "matting",
        "Would it hold in front of another background?",
        "The person is pasted on six backgrounds and cut out again. The map shows where the matte changes.",
        face="elsewhere",
        method="elsewhere",
        asks=("moment",),
    ),
    Question(
        "steady",
        "matting",
        "Is the reason the same along the clip?",
        "The map of what the model looks at, at a few moments half a second apart, on one scale of colours.",
        face="steady",
        method="steady",
        asks=("moment", "area"),
    ),
    Question(
        "paint",
        "matting",
        "What if something were painted over?",
        "Paint out an area of the frame and see the matte again, before and after.",
        face="paint",
        asks=("moment", "area"),
    ),
)

PROTEINS = (
    Question(
        "touch",
        "folding",
        "Which residues make these two touch?",
        "How much each residue adds to how sure the model is of the contact: above zero it speaks for it, below "
        "against it.",
        asks=("pair",),
    ),
    Question(
        "unsure",
        "folding",
        "Why is the model sure, or unsure, here?",
        "How much each residue adds to the model's confidence (pLDDT) in the stretch you chose: above zero it makes it "
        "surer, below less sure.",
        target="plddt",
        asks=("stretch",),
    ),
    Question(
        "film",
        "folding",
        "When did it become sure?",
        "The contacts that the network believes in after each of its steps, as if it had stopped there, with how sure "
        "it is.",
        face="film",
        method="film",
        engines=("esmfold",),
    ),
    Question(
        "together",
        "folding",
        "Which residues hang together?",
        "Each residue is hidden in turn; the map shows how far that moves what the language model thinks of every "
        "other one.",
        face="together",
        method="influence",
        engines=("esmfold",),
    ),
    Question(
        "heads",
        "folding",
        "What do its attention heads look at?",
        "Attention is what the model reads, not why it answers. Each head is compared with the contacts of the "
        "structure.",
        face="heads",
        engines=("esmfold",),
    ),
    Question(
        "change",
        "folding",
        "What if I change residues?",
        "Type another sequence and see the fold move: both structures superposed, with the confidence of each residue.",
        face="change",
    ),
    Question(
        "broken",
        "folding",
        "Would a broken sequence fool it?",
        "More and more residues are exchanged at random. A model that knows folding should become unsure and lose the "
        "fold; one that remembers keeps it.",
        face="broken",
        method="broken",
        engines=("esmfold", "alphafold2", "esmfold2"),
    ),
)

PICTURES = (
    Question(
        "where",
        "fewshot",
        "What in the picture speaks for this answer?",
        "The map shows which parts of the picture raise the score of the answer, and which lower it.",
        asks=("picture", "target"),
    ),
    Question(
        "rather",
        "fewshot",
        "Why this answer and not another one?",
        "As above, for the difference of two answers.",
        asks=("picture", "target", "against"),
    ),
    Question(
        "examples",
        "fewshot",
        "Which of my examples decided?",
        "The classifier is taught with every choice of the examples. Each one gets its fair share of the score "
        "(Shapley values).",
        face="parts",
        method="shapley",
        asks=("picture", "target"),
    ),
    Question(
        "looked",
        "fewshot",
        "Did it look, or did it guess?",
        "The same question with a black picture, and with a wrong one, in place of yours. An answer that stays was "
        "not seen in the picture.",
        face="looked",
        method="looked",
        asks=("picture",),
        engines=("flamingo",),
    ),
    Question(
        "words",
        "fewshot",
        "Where in the picture does each word look?",
        "From each word of the question and of the answer through the model's latents back to the picture. It is what "
        "the model reads, not why it answers.",
        face="words",
        method="words",
        asks=("picture",),
        engines=("flamingo",),
    ),
    Question(
        "latents",
        "fewshot",
        "What does it keep of the picture?",
        "The model squeezes a picture into a few vectors (latents) before its words may look at it: from where each "
        "of them gathers, and how much the answer reads of it.",
        face="latents",
        method="latents",
        asks=("picture",),
        engines=("flamingo",),
    ),
    Question(
        "both",
        "fewshot",
        "What counts more: the words or the picture?",
        "Each word is left out and each patch of the picture covered in turn. Both change the same score, so that they "
        "can be compared on one scale.",
        face="both",
        method="both",
        asks=("picture", "target"),
        engines=("flamingo", "clip"),
    ),
    Question(
        "gates",
        "fewshot",
        "How far does it let pictures in?",
        "Pictures reach the words through gates that it learned to open: 0 lets nothing in, 1 all of it.",
        face="gates",
        method="gates",
        asks=("picture",),
        engines=("flamingo",),
    ),
    Question(
        "drop",
        "fewshot",
        "What if I leave out an example?",
        "The classifier is taught without the examples you choose, and asked again, before and after.",
        face="drop",
        asks=("picture",),
    ),
    Question(
        "reword",
        "fewshot",
        "What if I say it in other words?",
        "The sentence that stands for an answer is worded anew, and the model is asked again, before and after.",
        face="reword",
        asks=("picture", "target"),
        engines=("clip", "flamingo"),
    ),
    Question(
        "erase",
        "fewshot",
        "What if a part of the picture were missing?",
        "Paint out an area of the picture and ask again, before and after.",
        face="erase",
        asks=("picture", "area"),
    ),
)

QUESTIONS: tuple[Question, ...] = (*SONGS, *VIDEOS, *PROTEINS, *PICTURES)


def of_task(task: str, engine: str = "") -> tuple[Question, ...]:
    """The questions of a task that a model with this engine can be asked, in their order."""
    return tuple(
        one for one in QUESTIONS if one.task == task and (not engine or not one.engines or engine in one.engines)
    )
