"""What a room is called in IMDF, in OSM, and in this service.

The codes are those of `layers.labels.CHOICES` ("unit_category", "room_use"). IMDF 1.0 names:
https://register.apple.com/resources/imdf/reference/categories; OSM values:
https://wiki.openstreetmap.org/wiki/Simple_Indoor_Tagging and Key:room.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from layers.labels import CHOICES

UNIT_CATEGORIES: Final = CHOICES["unit_category"]

_CIRCULATION: Final = (
    "walkway", "walkway.island", "lobby", "stairs", "elevator", "escalator", "ramp", "steps",
    "movingwalkway", "footbridge",
)  # fmt: skip
_ANCILLARY: Final = ("storage", "kitchen", "mailroom", "laundry", "shower", "lounge")
_USE: Final[Mapping[str, str]] = {
    "office": "office",
    "conferenceroom": "meeting",
    "huddleroom": "meeting",
    "serverroom": "equipment",
    **dict.fromkeys(_CIRCULATION, "circulation"),
    **dict.fromkeys(_ANCILLARY, "ancillary"),
}

# OSM room=* and what is close to it, to IMDF categories.
_OSM_ROOM: Final[Mapping[str, str]] = {
    "office": "office",
    "administration": "office",
    "class": "classroom",
    "classroom": "classroom",
    "lecture": "auditorium",
    "lecture_hall": "auditorium",
    "auditorium": "auditorium",
    "conference": "conferenceroom",
    "meeting": "conferenceroom",
    "meeting_room": "conferenceroom",
    "laboratory": "laboratory",
    "lab": "laboratory",
    "library": "library",
    "toilet": "restroom",
    "toilets": "restroom",
    "restroom": "restroom",
    "bathroom": "restroom",
    "shower": "shower",
    "stairs": "stairs",
    "stairwell": "stairs",
    "staircase": "stairs",
    "elevator": "elevator",
    "lift": "elevator",
    "storage": "storage",
    "locker": "storage",
    "closet": "storage",
    "archive": "storage",
    "kitchen": "kitchen",
    "kitchenette": "kitchen",
    "restaurant": "foodservice",
    "canteen": "foodservice",
    "cafe": "foodservice",
    "dining": "foodservice",
    "lobby": "lobby",
    "entrance": "lobby",
    "foyer": "lobby",
    "waiting": "waitingroom",
    "waiting_room": "waitingroom",
    "lounge": "lounge",
    "break_room": "lounge",
    "server": "serverroom",
    "server_room": "serverroom",
    "sport": "fitnessroom",
    "gym": "fitnessroom",
    "first_aid": "firstaid",
    "garage": "parking",
    "parking": "parking",
    "mail": "mailroom",
    "mailroom": "mailroom",
    "smoking": "smokingarea",
    "corridor": "walkway",
    "hallway": "walkway",
    "technical": "nonpublic",
    "utility": "nonpublic",
    "electricity": "nonpublic",
    "room": "room",
    "yes": "room",
}
_OSM_AMENITY: Final[Mapping[str, str]] = {
    "toilets": "restroom",
    "cafe": "foodservice",
    "restaurant": "foodservice",
    "fast_food": "foodservice",
    "canteen": "foodservice",
    "library": "library",
    "parking": "parking",
    "conference_centre": "conferenceroom",
    "shower": "shower",
}
# Utility rooms have no category of their own in IMDF, yet their use is plain.
_OSM_EQUIPMENT: Final = frozenset({"technical", "utility", "electricity", "server", "server_room"})


def use_of(category: str | None) -> str | None:
    """Return the use that follows from a category, None where the category does not say."""
    if category is None:
        return None
    if category.startswith("restroom"):
        return "ancillary"
    return _USE.get(category)


def osm_category(tags: Mapping[str, str]) -> tuple[str, str | None]:
    """Return the category and use of an indoor area by its OSM tags."""
    category = _osm_category(tags)
    if tags.get("room", "").lower() in _OSM_EQUIPMENT:
        return category, "equipment"
    return category, use_of(category)


def _osm_category(tags: Mapping[str, str]) -> str:  # noqa: PLR0911 - one per word of OSM
    indoor = tags.get("indoor", "")
    if indoor == "wall":
        return "column" if tags.get("wall:type") == "pillar" else "structure"
    if tags.get("highway") == "elevator":
        return "elevator"
    if tags.get("conveying") and tags.get("highway") == "steps":
        return "escalator"
    if tags.get("stairs") == "yes" or tags.get("highway") == "steps":
        return "stairs"
    found = _OSM_ROOM.get(tags.get("room", "").lower()) or _OSM_AMENITY.get(tags.get("amenity", ""))
    if found == "restroom":
        return _restroom(tags)
    if found and found != "room":
        return found
    if indoor == "corridor":
        return "walkway"
    return "unenclosedarea" if indoor == "area" else "room"


def _restroom(tags: Mapping[str, str]) -> str:
    male, female = tags.get("male") == "yes", tags.get("female") == "yes"
    if tags.get("unisex") == "yes" or (male and female):
        kind = "restroom.unisex"
    elif male:
        kind = "restroom.male"
    elif female:
        kind = "restroom.female"
    else:
        kind = "restroom"
    # wheelchair=yes in OSM says that it can be reached; designated, that it is made for it.
    accessible = tags.get("wheelchair") == "designated"
    return f"{kind}.wheelchair" if accessible else kind
