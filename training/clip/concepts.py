"""What the classes of the training pictures have in common: kinds, and the words for them."""

from __future__ import annotations

from evaluation.datasets.captioned_pictures import RENAMED

KINDS: dict[str, tuple[tuple[str, ...], str]] = {
    "dog": (
        ("dog", "puppy"),
        "Chihuahua, Yorkshire terrier, golden retriever, Labrador retriever, German shepherd, standard poodle, "
        "dalmatian",
    ),
    "cat": (("cat", "kitten", "house cat"), "tabby, Persian cat, Egyptian cat"),
    "big cat": (("big cat", "wild cat"), "cougar, lion, leopard, wild cat"),
    "bird": (
        ("bird",),
        "goose, black stork, king penguin, albatross, emu, flamingo, ibis, pigeon, rooster",
    ),
    "frog": (("frog", "toad"), "bullfrog, tailed frog"),
    "reptile": (
        ("reptile",),
        "American alligator, boa constrictor, crocodile, hawksbill",
    ),
    "insect": (
        ("insect", "bug"),
        "ladybug, fly, bee, grasshopper, walking stick, cockroach, mantis, dragonfly, monarch, sulphur butterfly, ant, "
        "butterfly, mayfly",
    ),
    "butterfly": (("butterfly",), "monarch, sulphur butterfly, butterfly"),
    "spider": (("spider",), "black widow, tarantula"),
    "shellfish": (
        ("shellfish", "crustacean"),
        "American lobster, spiny lobster, crab, crayfish, lobster",
    ),
    "sea animal": (
        ("sea animal", "sea creature"),
        "jellyfish, sea slug, American lobster, spiny lobster, sea cucumber, dugong, goldfish, crab, crayfish, "
        "dolphin, lobster, nautilus, octopus, starfish, sea horse, brain coral, hawksbill",
    ),
    "hoofed animal": (
        ("hoofed animal", "grazing animal"),
        "gazelle, bighorn, ox, bison, Arabian camel, hog, okapi, gerenuk, llama",
    ),
    "ape": (("ape", "monkey"), "orangutan, chimpanzee, baboon"),
    "bear": (("bear",), "brown bear, panda, koala"),
    "elephant": (("elephant",), "African elephant, elephant"),
    "dinosaur": (("dinosaur",), "brontosaurus, stegosaurus"),
    "car": (("car", "automobile"), "beach wagon, convertible, limousine, sports car, car side"),
    "truck": (("truck", "van", "lorry"), "moving van, police van"),
    "bus": (("bus",), "school bus, trolleybus"),
    "train": (("train", "railway car"), "bullet train, freight car"),
    "boat": (("boat", "ship"), "gondola, lifeboat, ferry, ketch, schooner"),
    "sailing ship": (("sailing ship", "sailboat"), "ketch, schooner"),
    "aircraft": (("aircraft",), "airplane, helicopter"),
    "musical instrument": (
        ("musical instrument",),
        "accordion, oboe, organ, electric guitar, euphonium, grand piano, mandolin, saxophone",
    ),
    "fruit": (("fruit",), "banana, orange, lemon, pomegranate, strawberry"),
    "vegetable": (("vegetable",), "cauliflower, bell pepper, mushroom"),
    "food": (
        ("food", "dish"),
        "guacamole, ice cream, ice lolly, pretzel, mashed potato, meat loaf, pizza, potpie, espresso, banana, orange, "
        "lemon, pomegranate, strawberry, cauliflower, bell pepper, mushroom",
    ),
    "bridge": (("bridge",), "steel arch bridge, suspension bridge, viaduct"),
    "building": (
        ("building",),
        "barn, beacon, cliff dwelling, triumphal arch, water tower, minaret, pagoda, pyramid, thatch",
    ),
    "landscape": (("landscape", "nature"), "alp, cliff, coral reef, lakeside, seashore, dam"),
    "furniture": (
        ("furniture",),
        "desk, dining table, rocking chair, chest, chair, windsor chair",
    ),
    "chair": (("chair",), "rocking chair, chair, windsor chair"),
    "clothing": (
        ("clothing", "clothes"),
        "academic gown, apron, bikini, bow tie, cardigan, fur coat, kimono, military uniform, miniskirt, poncho, sock, "
        "swimming trunks, vestment, t-shirt, longsleeve, pants, shirt, dress, outwear, shorts, skirt, blazer, "
        "undershirt, polo, hoodie, top, blouse, kurtas, sweaters, sweatshirts, jeans, trousers, jackets",
    ),
    "shoe": (("shoe", "footwear"), "shoes, sandal, heels, flops, flats"),
    "hat": (("hat", "headwear"), "hat, sombrero, caps"),
    "bottle": (("bottle",), "beer bottle, pill bottle, pop bottle, water jug"),
    "ball": (("ball",), "basketball, rugby ball, volleyball, soccer ball"),
    "flower": (("flower",), "lotus, sunflower, water lily"),
    "bag": (("bag",), "backpack, handbags, bag, clutches"),
}
"""Of each kind: the words for it, then the classes that are of it."""

WIDER: dict[str, tuple[tuple[str, ...], str]] = {
    "animal": (
        ("animal",),
        "dog, cat, big cat, bird, frog, reptile, insect, spider, shellfish, sea animal, hoofed animal, ape, bear, "
        "elephant",
    ),
    "vehicle": (("vehicle",), "car, truck, bus, train, boat, aircraft"),
    "plant": (("plant",), "flower"),
}
"""Kinds of kinds: the words, then the kinds."""

MORE: dict[str, tuple[str, ...]] = {
    "animal": (
        *("koala", "snail", "slug", "guinea pig", "lesser panda", "beaver", "hedgehog", "kangaroo", "platypus"),
        *("rhino", "European fire salamander", "scorpion", "tick", "centipede"),
    ),
    "vehicle": ("tractor", "go-kart", "motorbike"),
    "plant": ("bonsai", "joshua tree", "acorn"),
}
"""Classes that are of a wider kind and of none of its kinds."""

SYNONYMS: dict[str, tuple[str, ...]] = {
    "face of a person": ("face of a person", "person", "human face", "face"),
    "motorbike": ("motorbike", "motorcycle"),
    "airplane": ("airplane", "aeroplane", "plane", "jet"),
    "car side": ("car", "side of a car", "parked car"),
    "cellphone": ("cellphone", "mobile phone", "phone"),
    "laptop": ("laptop", "computer"),
    "rhinoceros": ("rhinoceros", "rhino"),
    "lamp": ("lamp", "table lamp"),
    "watch": ("watch", "wristwatch"),
    "ewer": ("ewer", "jug"),
    "cup": ("cup", "mug"),
    "ketch": ("ketch", "sailing boat"),
    "inline skate": ("inline skate", "roller skate"),
    "soccer ball": ("soccer ball", "football"),
    "sea bass": ("sea bass", "fish"),
    "goldfish": ("goldfish", "fish"),
    "garfield": ("cartoon cat", "garfield"),
    "snoopy": ("cartoon dog", "snoopy"),
}
"""Words of our own for classes whose data set knows but one."""


def classes(names: str) -> tuple[str, ...]:
    return tuple(RENAMED.get(name, name) for name in names.split(", "))


def kinds_of() -> dict[str, tuple[tuple[str, tuple[str, ...]], ...]]:
    """Of each class, the kinds it is of, from narrow to wide: `(kind, words for it)`."""
    members: dict[str, list[str]] = {kind: list(classes(names)) for kind, (_, names) in KINDS.items()}
    words = {kind: words for kind, (words, _) in KINDS.items()} | {wide: words for wide, (words, _) in WIDER.items()}
    for wide, (_, kinds) in WIDER.items():
        members[wide] = [name for kind in kinds.split(", ") for name in members[kind]]
        members[wide] += [RENAMED.get(name, name) for name in MORE[wide]]
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for kind, names in members.items():
        for name in names:
            found.setdefault(name, {})[kind] = words[kind]
    return {name: tuple(kinds.items()) for name, kinds in found.items()}
