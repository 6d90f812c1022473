"""A labelled collection of our own: a made-up company's handbook of 13 subjects at 12 offices (156 passages), 65 questions.

Every passage has eleven look-alikes (the same subject at the other offices, in nearly the same words) and twelve others of
its own office; questions say it in other words than the passages do. One passage answers a question (grade 2).
"""

from __future__ import annotations

import json
from pathlib import Path

OFFICES = ("Lisbon", "Oslo", "Turin", "Ghent", "Krakow", "Bristol", "Malmo", "Graz", "Porto", "Tartu", "Lyon", "Zagreb")
PEOPLE = ("Ines", "Harald", "Chiara", "Wout", "Kasia", "Martin", "Elsa", "Josef", "Rui", "Liisa", "Claire", "Marko")

# subject: title, two wordings, two questions. {o} office, {p} person, {a} {b} {c} numbers.
SUBJECTS = {
    "canteen": ("Canteen", "Lunch at the {o} office is served from 11:{a} until 14:{b}. The kitchen closes on the last Friday of the month, and soup is free after {c} minutes of queueing.",
                "The {o} canteen opens at 11:{a} and stops serving warm meals at 14:{b}. Ask {p} about allergies; vegetarian plates are marked in green.",
                "Until when can I get a hot meal in {o}?", "at what time does lunch begin at the office in {o}"),
    "parking": ("Parking", "Cars may stand in the {o} garage on level {a}. A permit costs {b} euros a month and is bought from {p}; visitors stay {c} minutes for nothing.",
                "There are {a} parking places behind the {o} building. {p} hands permits out for {b} euros; who stands there without one is towed after {c} minutes.",
                "Who sells the permits to leave my car at {o}?", "how much is a parking permit in {o} each month"),
    "badge": ("Visitor badges", "Guests of the {o} office get a badge at the front desk against their identity card. It opens the doors for {a} hours; {p} makes a new one when it is lost.",
              "At {o} a visitor's badge is valid for {a} hours and has to be returned to {p}. Lost badges cost {b} euros.",
              "My guest lost the card that opens the doors in {o}, whom do I ask?", "how long does a visitor's badge work at {o}"),
    "fire": ("Fire drill", "When the alarm sounds in {o}, leave by staircase {a} and gather at meeting point {b} across the street. {p} counts heads; lifts stay down.",
             "The {o} evacuation leads over staircase {a} to assembly point {b}. The warden is {p}, in the yellow vest, and a drill is held every {c} weeks.",
             "Where do we meet outside in {o} if the building burns?", "who is the evacuation warden of {o}"),
    "bicycle": ("Bicycles", "Bikes are locked in the cellar of the {o} office, behind door {a}. The code changes every {b} weeks; {p} sends it round.",
                "The {o} bicycle room is door {a} in the yard. There is a pump and a stand, and {p} knows the code of the door.",
                "Which door leads to where I can lock up my bike in {o}?", "who tells me the code of the cycle cellar in {o}"),
    "printer": ("Printers", "The printers of {o} stand on floor {a} and are called queue-{b}. Toner lies in the cupboard beside them; {p} orders more.",
                "Printing at {o}: choose queue-{b}, then show your card on floor {a}. Jobs that nobody fetches are deleted after {c} hours; {p} helps with jams.",
                "The copier in {o} has run out of ink, who gets new cartridges?", "name of the print queue at the {o} office"),
    "wifi": ("Guest network", "Guests in {o} join the network visitor-{a}. The password is on the board in the lobby and lives {b} days; {p} may make longer ones.",
             "The wireless network for visitors of the {o} office is visitor-{a}; a ticket lasts {b} days. Staff never use it. Trouble goes to {p}.",
             "How does somebody from outside get on the internet at {o}?", "for how many days is a guest ticket of the wireless in {o} good"),
    "heating": ("Heating", "The {o} office is heated to {a} degrees from October on. Windows stay shut while the vents blow; {p} adjusts single rooms within {b} hours.",
                "Rooms in {o} have {a} degrees in winter. Who is cold writes to {p}, who sends a technician within {b} hours.",
                "It is freezing at my desk in {o}, whom should I tell?", "what temperature are the rooms in {o} kept at"),
    "first_aid": ("First aid", "The first-aid box of {o} hangs on floor {a} beside the lift, the defibrillator on floor {b}. {p} is the trained helper.",
                  "At {o} somebody who is hurt is brought to room {a}; the defibrillator is on floor {b}. Call {p}, the first aider, on extension {c}.",
                  "A colleague in {o} has cut a finger, who is trained to help?", "on which floor is the defibrillator at {o}"),
    "rooms": ("Meeting rooms", "The {o} office has {a} meeting rooms, booked in the calendar for at most {b} hours. {p} lets go of rooms that stay empty for {c} minutes.",
              "Meeting rooms at {o} are numbered up to {a}. A booking lasts {b} hours at most and lapses when nobody comes within {c} minutes; {p} settles quarrels.",
              "After how many minutes is an unused reservation for a conference room in {o} dropped?", "longest time one may book a meeting room at {o}"),
    "post": ("Post", "Letters for the {o} office are sorted by {p} at {a} o'clock. Parcels above {b} kilograms wait at the loading dock.",
             "{p} takes the post of {o} away at {a} o'clock; parcels heavier than {b} kilograms are fetched from the dock on Tuesdays.",
             "A heavy package came for me in {o}, where is it?", "when are the letters collected at {o}"),
    "waste": ("Waste", "In {o} paper goes into the blue bin and glass into the white one. Batteries are given to {p}; the bins are emptied every {a} days.",
              "The {o} office sorts its waste: blue is paper, white is glass. Old batteries and toner go to {p}, and a wrong bin costs the floor {b} euros.",
              "What do I do with used batteries at {o}?", "which colour is the bin for paper in {o}"),
    "quiet": ("Quiet room", "Room {a} of the {o} office is for silence: no calls, no talk, a bed for half an hour. {p} has the key after {b} o'clock.",
              "Who wants to rest or pray in {o} uses room {a}. It is open until {b} o'clock; later {p} unlocks it.",
              "Is there somewhere to lie down in {o}?", "number of the room for silence at the {o} office"),
}


def number(*parts: object) -> int:
    """Small numbers that look made up; the same on every machine."""
    value = 7
    for part in "/".join(map(str, parts)):
        value = (value * 131 + ord(part)) % 100_003
    return 2 + value % 47


def passages() -> list[dict[str, str]]:
    made = []
    for s, (subject, (title, first, second, *_)) in enumerate(SUBJECTS.items()):
        for o, office in enumerate(OFFICES):
            text = (first, second)[(s + o) % 2]
            made.append({"id": f"{subject}-{office.lower()}", "title": title,
                         "text": text.format(o=office, p=PEOPLE[(o + s) % len(PEOPLE)],
                                             **{name: number(subject, office, name) for name in "abc"})})
    return made


def questions() -> list[tuple[str, str, str]]:
    """(id, text, passage): five a subject."""
    made = []
    for s, (subject, (_, _, _, asked, asked_again)) in enumerate(SUBJECTS.items()):
        for k in range(5):
            office = OFFICES[(s * 5 + k * 7) % len(OFFICES)]
            made.append((f"{subject}{k}", (asked, asked_again)[k % 2].format(o=office), f"{subject}-{office.lower()}"))
    return made


def write(folder: Path, passages_too: list[dict[str, str]] | None = None) -> Path:
    """In the form that `segue rag eval` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "docs.jsonl").write_text("".join(json.dumps(p) + "\n" for p in passages_too or passages()))
    (folder / "queries.tsv").write_text("".join(f"{i}\t{text}\n" for i, text, _ in questions()))
    (folder / "qrels.tsv").write_text("query-id\tdoc-id\tgrade\n" + "".join(f"{i}\t{p}\t2\n" for i, _, p in questions()))
    return folder
