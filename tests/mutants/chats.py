"""Changes of the reader of chats."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

ROOM = "stages/extract/chat/"
TESTS = "tests/extract/test_chatlog.py"
OF_SLACK, OF_TOPICS = "tests/extract/test_slack.py", "tests/extract/test_discourse_topics.py"

MUTANTS = (
    Mutant(
        ROOM + "hexchat.py",
        'if mark == "*" and not is_event(text):',
        'if mark == "*":',
        "who joins a channel of HexChat's says so",
        (f"{TESTS}::test_logs_of_irc",),
    ),
    Mutant(
        ROOM + "hexchat.py",
        "if self.year and month < self._month - 6:",
        "if False:",
        "a log of HexChat's over New Year stays in its year",
        (f"{TESTS}::test_months_in_the_writers_language_are_told_by_their_order",),
    ),
    Mutant(
        ROOM + "slack.py",
        "known.people.setdefault(own, named)",
        "known.people.get(own)",
        "who is called in Slack has no name",
        (f"{OF_SLACK}::test_a_day_names_who_speaks",),
    ),
    Mutant(
        "stages/extract/chatlog.py",
        "replace(part, beside=lists)",
        "replace(part, beside=())",
        "the lists beside the days of Slack are not read",
        (f"{OF_SLACK}::test_names_of_slack_come_from_the_lists_beside_the_days",),
    ),
    Mutant(
        ROOM + "conversation.py",
        '                told["missing"] = [*names.values()]\n',
        "                pass\n",
        "nobody says that the assistant's name occurs nowhere",
        ("tests/pipeline/test_plan_verb.py::test_a_column_that_is_not_there_is_a_mistake",),
    ),
    Mutant(
        "stages/extract/topics.py",
        "        for post in posts:\n            inside",
        "        for post in posts[::-1]:\n            inside",
        "posts of a topic stand in another order",
        (f"{OF_TOPICS}::test_a_topic_becomes_what_its_page_becomes",),
    ),
    Mutant(
        "stages/extract/topics.py",
        "opened = numbers[0] == 1",
        "opened = True",
        "a topic without its opener is a talk",
        (f"{OF_TOPICS}::test_a_topic_without_two_sides_is_a_text",),
    ),
    Mutant(
        ROOM + "conversation.py",
        "            answering = set(speakers[1:])\n",
        "            answering = set(speakers[:1])\n",
        "of two people the first to speak is the assistant",
        (f"{TESTS}::test_of_two_people_the_first_to_speak_is_the_user",),
    ),
    Mutant(
        ROOM + "conversation.py",
        "        return abs(message.time - self._last) > self.turns.gap\n",
        "        return False\n",
        "no pause ends a conversation",
        (f"{TESTS}::test_a_pause_ends_a_conversation_and_each_begins_anew",),
    ),
    Mutant(
        ROOM + "conversation.py",
        '            if role == "user" and len(asking) > 1:\n',
        "            if False:\n",
        "several users speak as one",
        (f"{TESTS}::test_several_users_are_named_in_the_text",),
    ),
    Mutant(
        ROOM + "conversation.py",
        "        for reason, characters in message.removed.items():\n"
        "            count.remove(reason, characters)\n",
        "",
        "what is left out of chats is not counted",
        (f"{TESTS}::test_what_discord_has_beside_text_is_counted",),
    ),
    Mutant(
        ROOM + "exports.py",
        '    if found.get("type", "Default") not in ("Default", "Reply", 0, 19, "0", "19"):\n'
        '        return silent(bare, time, text, "system")\n',
        "",
        "joins are taken for what somebody says",
        (f"{TESTS}::test_what_discord_has_beside_text_is_counted",),
    ),
    Mutant(
        ROOM + "whatsapp.py",
        "    if day_first != month_first:\n",
        "    if False:\n",
        "days beyond the twelfth do not tell days from months",
        (f"{TESTS}::test_a_date_of_two_readings_is_read_as_time_goes_forward",),
    ),
    Mutant(
        ROOM + "whatsapp.py",
        "    if bare in _DELETED:\n",
        "    if False:\n",
        "the place of a deleted message is a turn",
        (f"{TESTS}::test_what_whatsapp_says_itself_is_no_text",),
    ),
    Mutant(
        ROOM + "irc.py",
        "        if clock < self._last - 3600:\n",
        "        if False:\n",
        "a clock that goes back is the same day",
        (f"{TESTS}::test_without_a_day_the_clock_tells_of_the_next_and_no_date_is_made_up",),
    ),
    Mutant(
        "stages/extract/chatlog.py",
        "                names[new] = names.get(old, old)\n",
        "                names[new] = new\n",
        "who changes the name becomes somebody else",
        (f"{TESTS}::test_logs_of_irc",),
    ),
)
