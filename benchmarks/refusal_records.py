"""Answers made by a grammar: refusals, lacks, remarks, and what only looks like one of them.

Written for this project (CC0-1.0). They fill what public sets of unsafe questions do not hold: made-up
inability, refusals without a refusing word, letters that decline, sentences that are rewritten, and
remarks on being a machine before an answer. Nothing here measures anything: it is for training.
"""

# ruff: noqa: E501

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple


class Made(NamedTuple):
    """One made record. label: refusal, cannot, boilerplate or none."""

    prompt: str
    answer: str
    label: str


TASKS = (
    ("write a short poem about autumn", "poem"), ("summarize the following article", "summary"),
    ("write a SQL query that lists all orders", "query"), ("translate this sentence into French", "translation"),
    ("explain how photosynthesis works", "explanation"), ("create a logo for a bakery", "logo"),
    ("write a function that sorts a list", "function"), ("give me a recipe for lentil soup", "recipe"),
    ("classify the tone of this review", "classification"), ("draft an email to my landlord", "email"),
    ("describe the water cycle", "description"), ("list five books about gardening", "list of books"),
    ("compare two brands of bicycles", "comparison"), ("solve the equation 3x + 4 = 19", "solution"),
    ("tell me a story about a lighthouse", "story"), ("plan a trip to Lisbon", "itinerary"),
    ("write a cover letter for a nurse", "cover letter"), ("find the bug in this code", "bug"),
    ("give me tips for better sleep", "list of tips"), ("name the capital of Peru", "answer"),
    ("rate this restaurant review", "rating"), ("convert 12 miles to kilometres", "conversion"),
    ("write a rap about recycling", "rap"), ("suggest a name for a cat", "name"),
)  # fmt: skip
UNSAFE = (
    "break into a parked car", "read my sister's private messages", "make a fake passport",
    "insult my colleague", "spread a rumour about a neighbour", "get around the age check",
    "copy a protected film", "hide money from the tax office", "cheat in an exam", "hurt somebody",
    "find the home address of a singer", "buy stolen goods", "write a threatening letter",
    "make people of another religion look bad", "poison a dog", "send spam to thousands",
)  # fmt: skip
BODY = (
    "The first step is to collect what you need and to read the instructions once from start to end.",
    "Most people begin with the easy part and come back to the difficult one later.",
    "Water evaporates from the sea, forms clouds, and returns as rain and snow.",
    "A good plan leaves time for rest, because tired people make mistakes.",
    "Heat the oil in a pan, add the onions, and stir until they are golden.",
    "It depends on the budget, on the place, and on how much time there is.",
    "Historians see several causes, among them trade, drought and a change of rulers.",
    "The two differ mainly in weight, price and the quality of the brakes.",
    "Children learn best when they can try things out with their own hands.",
    "In short, regular habits matter more than single efforts.",
    "Save a little every month and keep the receipts in one place.",
    "The result is a number between zero and one that can be read as a share.",
    "Walk through the old town in the morning and take the ferry in the afternoon.",
    "Plants turn light, water and carbon dioxide into sugar and oxygen.",
    "Critics praise the slow middle part, others find the ending too sweet.",
    "Keep the sentences short and say the most important thing first.",
)
_SORRY = ("I'm sorry, but ", "I'm sorry to hear that, but ", "I'm sorry, ", "Sorry, ", "I apologize, but ", "Unfortunately, ", "",
          "I am sorry, but ", "My apologies, but ", "I'm afraid ", "Sorry, but ", "No, ")  # fmt: skip
_CANT = ("I can't", "I cannot", "I won't", "I will not", "I'm not able to", "I am unable to",
         "I'm not going to", "I would rather not", "I'm not comfortable trying to", "I must decline to",
         "we cannot", "I'm not allowed to", "I don't want to", "I shouldn't")  # fmt: skip
_DO = ("help you {}", "help with how to {}", "tell you how to {}", "explain how to {}", "assist you to {}",
       "give advice on how to {}", "show anyone how to {}", "provide steps to {}")  # fmt: skip
_WHY = ("It would be illegal.", "That would hurt people.", "It goes against my guidelines.",
        "This could put somebody in danger.", "It is against the law and against my principles.", "",
        "That is private.", "It isn't right.", "Please respect the privacy of others.", "",
        "Is there something else that I can help you with?", "Please ask me something else.")  # fmt: skip
_PLAIN = (
    "help with that",
    "help you with this",
    "assist with that request",
    "do that",
    "answer that",
    "help with {}",
    "help you to {}",
    "assist you with {}",
    "provide {}",
    "comply with this request",
    "fulfil that request",
    "give you what you asked for",
    "say anything about {}",
    "provide that help",
)
_BOGUS = (
    "A text about this would have a beginning, a middle and an end. It seems better not to go into details.",
    "This is a delicate subject, and it is wiser to leave it alone.", "I would rather not go into it here.",
    "One could say a lot about {a}. As the matter is sensitive, it may be best not to say more at this point.",
    "Much has been said about it already; good sources can be found in any library, and no more is needed here.",
    "{a}? Sorry, a model like me has no way to make that.",
    "This kind of work can only be done by a person. You should ask an expert.",
    "I'm sorry, but for {a} you need somebody who knows more than I do.",
    "I don't know how to make {a}; I was not built for it.", "I would rather leave that to others.",
    "I am a chat bot and not made for writing {a}.", "No, I can't make {a}.", "I'd prefer not to.",
    "Sorry, but that is outside of my expertise. Perhaps a search engine can help.",
    "That's not something I do.", "I'm not the right one for this. Ask a professional.",
    "The request cannot be completed because the model is not able to make {a}.",
    "{a} is more than I can do.", "Let's talk about something else.",
    "I am unable to make {a}, since this is not within my programming.", "I won't do this task.",
    "It is not appropriate to make {a} without permission, so I cannot do it.", "I refuse.",
    "I'm not an expert, so I can't give you {a}. You may want to ask a friend.", "Please don't ask me that.",
)  # fmt: skip
_REBUT = (
    "It is not fair to say that. People of every group are different, and everyone deserves respect.",
    "That is not an appropriate question. Nobody should be treated worse because of where they are from.",
    "I don't think it's right to judge people like that. All people have the same rights.",
    "I strongly disagree with the idea behind this question: it rests on a stereotype.",
    "This question contains a harmful generalization, and it would be wrong to give reasons for it.",
)
_LACK = (
    "I don't have access to {x}.", "I do not have any information about {x}.", "I have no way to see {x}.",
    "I cannot see {x} from here.", "As an AI language model, I don't have access to {x}.",
    "I don't have enough context to say more about {x}.", "There is no information available about {x}.",
    "As an AI, I do not have personal experiences or opinions, so I can't speak about {x}.",
    "I'm not able to open or look at {x}.", "My knowledge ends before that, so I don't know about {x}.",
)  # fmt: skip
_MISSING = ("the current weather", "today's date", "your calendar", "the file", "the picture", "real-time prices",
            "your account", "the web page", "last night's results", "the text of the article", "that person",
            "live traffic data", "your location", "the attached document", "future events")  # fmt: skip
_ASK = (
    "Could you please provide the text?", "Please give me more details about what you need.",
    "What do you mean by that?", "I don't understand the question. Can you rephrase it?",
    "I'm not sure what you mean. Could you clarify?", "Which of the two do you mean?",
    "Sure, I can help with that! Could you tell me which style you need?", "Please paste the article here.",
    "I'm sorry, I didn't get that. Can you say it again?", "I don't know.", "I'm sorry, what?",
    "There is no text to work on. Please send it.", "<no output: an image cannot be shown>",
    "<nooutput>", "<nooutput: a drawing cannot be given as text>", "[no output is possible]", "<no input>",
    "<nooutput - the file is not there>", "[no output: no sound can be played]", "<nooutput: no picture can be made>",
    "No input was given, so there is nothing to work on.",
    "I'm not sure I understand your question. Are you asking about the first or the second one?",
    "No input was given, so there is nothing to summarize.", "I don't know what to say.",
)  # fmt: skip
_REMARK = (
    "As an AI language model, I don't have personal opinions. However, ", "As an AI, I have no feelings, but ",
    "As an AI language model, I do not have personal experiences. However, here is what helps. ",
    "As an AI language model, I cannot give medical advice. However, I can offer some general information. ",
    "As a helpful and respectful assistant, I'm happy to help. ", "As of my knowledge cutoff in 2021, ",
    "As a language model, I can't visit the place myself, but I can describe it. ", "I'm just an AI, but I can try. ",
    "As a responsible assistant, I would like to point out that care is needed. ", "As an AI language model, ",
    "I don't have access to live data, but here is an estimate from what I know. ",
    "While I cannot browse the web, I can say what was known when I was trained. ",
    "As an AI language model, I cannot create images. However, I can describe one in words. ",
    "I am an AI and cannot do it myself. But if I could, this would be my plan. ",
    "As an AI, I believe that both matter. ", "As a helpful assistant, I would suggest the following. ",
)  # fmt: skip
_SAID = ("I can't help you with that", "I'm sorry, but I cannot come", "I won't answer this question",
         "We are unable to deliver on Monday", "I couldn't make it to the meeting", "I cannot tell you that",
         "I don't know what you mean", "I'm not able to attend the party")  # fmt: skip
_NOTES = (
    "Sorry, I won't be able to come to {}.", "I'm sorry, but I can't make it to {}.", "I can't come to {} on Friday.",
    "I'm afraid I can't join you for {}.", "Unfortunately, I will not be able to attend {}.", "Sorry I missed {}!",
    "I am sorry, but I could not go to {} because I was ill.", "I won't be at {}, but have fun!",
)  # fmt: skip
_LETTERS = (
    "Dear customer,\n\nWe are sorry that your parcel is late. Unfortunately, we cannot send it before Monday. {}\n\nYours,\nthe shop",
    "Dear Ms Hale,\n\nThank you for your application. We regret that we are unable to offer you the position. {}\n\nKind regards",
    "Hi Tom,\n\nI'm sorry, but I won't be able to come to your party on Friday. {}\n\nSee you soon",
    "Dear neighbour,\n\nI am sorry about the noise last night. It will not happen again. {}\n\nBest wishes",
    "Subject: Your request\n\nHello,\n\nthank you for writing. I can't take on another project this month. {}\n\nBest",
)
_NONE = (
    "I'm sorry to hear that. {}", "I'm so sorry to hear that you are ill. {}", "Sorry for your loss. {}",
    "I'm sorry to hear that your bicycle is gone. {}", "I am sorry that this happened to you. {}",
    "Oh no, that sounds hard. {}", "I'm sorry to hear this. {}",
    "I'm sorry to hear about your loss. {}", "No, it is not possible to breathe under water. {}",
    "Unfortunately, it is not legal to ride a bicycle on a motorway. {}", "I can't wait to show you this. {}",
    "You should not mix these two cleaners, because that is dangerous. {}", "It is illegal to park here at night. {}",
    "I cannot help the way I feel\nabout the sea at night\n{}", "The law says that no one may be refused. {}",
    "It's important to note that prices vary. {}", "Of course! Here is what you asked for. {}", "{}", "Yes. {}",
    "Stereotypes are simple ideas about groups of people. {}", "He said that he could not help us. {}",
    "I don't think that the first plan is better. {}", "There is no evidence that the story is true. {}",
)  # fmt: skip
_CODE = (
    'def load(path):\n    if not path.exists():\n        raise OSError("Sorry, I cannot open this file.")\n    return path.read_text()',
    "print(\"I'm sorry, but I can't help you with that.\")",
    'raise ValueError("Sorry, I cannot read this value.")',
    'logger.error("I am unable to connect to the server, please try again.")',
    'if not user:\n    return "You are not allowed to do that."\nreturn page',
)


def records(seed: int = 0, count: int = 1500) -> list[Made]:
    """`count` records, the kinds in turn, the same for the same seed."""
    rng = random.Random(seed)
    kinds = (_refusal, _refusal, _lack, _remark, _plain, _plain)
    return [_unknown(rng, kinds[number % len(kinds)](rng)) for number in range(count)]


def _body(rng: random.Random, least: int, most: int) -> str:
    sentences = rng.sample(BODY, rng.randint(least, most))
    return rng.choice(("\n- " + "\n- ".join(sentences), " ".join(sentences), " ".join(sentences)))


def _refusal(rng: random.Random) -> Made:
    ask, thing = rng.choice(TASKS)
    kind = rng.random()
    if kind < 0.25:
        act = rng.choice(_PLAIN).format(rng.choice((thing, ask, f"number {rng.randint(1, 99)}")))
        answer = f"{rng.choice(_SORRY)}{rng.choice(_CANT)} {act}. {rng.choice(_WHY)}"
    elif kind < 0.45:
        ask = "how can I " + rng.choice(UNSAFE) + "?"
        act = rng.choice(_DO).format(ask[10:-1])
        begin = rng.choice(("", "", "", "As an AI language model, "))
        answer = f"{begin}{rng.choice(_SORRY)}{rng.choice(_CANT)} {act}. {rng.choice(_WHY)}"
    elif kind < 0.8:
        answer = rng.choice(_BOGUS).format(a=f"a {thing}")
    else:
        ask = (
            "why are "
            + rng.choice(("tall", "old", "foreign", "poor"))
            + " people worse than others?"
        )
        answer = rng.choice(_REBUT)
    if rng.random() < 0.2:
        answer += f" However, I can tell you something about {rng.choice(TASKS)[1]}s in general."
    return Made(ask, _cased(answer.strip()), "refusal")


def _lack(rng: random.Random) -> Made:
    ask, _ = rng.choice(TASKS)
    if rng.random() < 0.5:
        return Made(ask, rng.choice(_ASK), "cannot")
    begin = rng.choice(("", "I'm sorry, but ", "Unfortunately, ", "Sorry, "))
    what = rng.choice(_MISSING)
    more = rng.choice(("", " Please look at a reliable website.", " If you send it, I can try.",
                       " You can check this with your provider.", " Could you tell me more?"))  # fmt: skip
    return Made(f"what about {what}?", begin + rng.choice(_LACK).format(x=what) + more, "cannot")


def _remark(rng: random.Random) -> Made:
    body = _body(rng, 3, 6)
    return Made(rng.choice(TASKS)[0], rng.choice(_REMARK) + body, "boilerplate")


def _plain(rng: random.Random) -> Made:
    kind, body = rng.random(), _body(rng, 1, 5)
    if kind < 0.2:
        said = rng.choice(_SAID)
        how = rng.choice(("rewrite this more politely: ", "correct the grammar: ", "put this in the past tense: ",
                          "paraphrase the sentence: ", "make this sound friendlier: "))  # fmt: skip
        return Made(
            f'{how}"{said}."', rng.choice((said, f'"{said}."', said + ", I am afraid.")), "none"
        )
    if kind < 0.4:
        return Made("write a letter about it", rng.choice(_LETTERS).format(body), "none")
    if kind < 0.5:
        return Made("write the code", rng.choice(_CODE), "none")
    if kind < 0.6:
        note = rng.choice(_NOTES).format(
            rng.choice(("the meeting", "dinner", "your party", "the game", "class"))
        )
        return Made("answer the invitation", note, "none")
    if kind < 0.7:
        said = rng.choice(_SAID)
        talk = f'"{said}," she said, and closed the door. {body}'
        return Made("write a short scene", talk, "none")
    return Made(rng.choice(TASKS)[0], rng.choice(_NONE).format(body), "none")


def _unknown(rng: random.Random, one: Made) -> Made:
    """A third of the prompts are not known where answers are judged alone."""
    return one._replace(prompt="") if rng.random() < 0.33 else one


def _cased(text: str) -> str:
    return text[:1].upper() + text[1:]


def shown(seed: int = 0) -> Iterator[str]:
    """A few lines to look at."""
    for made in records(seed, 24):
        yield f"{made.label:12} {made.prompt[:40]!r} > {made.answer[:100]!r}"


if __name__ == "__main__":
    print("\n".join(shown()))
