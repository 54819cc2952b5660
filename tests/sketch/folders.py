"""Folders as people have them, made small: what programs write, with what lies beside it."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import struct
import zipfile
from pathlib import Path

from tests.pipeline.world import WORDS


def prose(number: int, words: int = 24) -> str:
    """A text of its own for each number: no two are near duplicates."""
    drawn = random.Random(number).choices(WORDS, k=words)
    return f"The {' '.join(drawn[: words // 2])} and the {' '.join(drawn[words // 2 :])} of it."


def literal(value: object) -> str:
    """A value as MySQL writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    text = str(value).replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{text}'"


def mysql(path: Path, tables: dict[str, tuple[str, list[tuple[object, ...]]]]) -> None:
    """A dump as mysqldump writes it. tables: name → its columns with types, its rows."""
    lines = ["-- MySQL dump 10.13  Distrib 8.0.36", "/*!40101 SET NAMES utf8mb4 */;", ""]
    for name, (columns, rows) in tables.items():
        lines += [f"DROP TABLE IF EXISTS `{name}`;", f"CREATE TABLE `{name}` (", f"  {columns}"]
        lines += [") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;", f"LOCK TABLES `{name}` WRITE;"]
        for at in range(0, len(rows), 50):
            values = ",".join(f"({','.join(map(literal, row))})" for row in rows[at : at + 50])
            lines.append(f"INSERT INTO `{name}` VALUES {values};")
        lines += ["UNLOCK TABLES;", ""]
    lines.append("-- Dump completed on 2024-05-01 12:00:00")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def phpbb(folder: Path) -> None:
    """20 topics: 18 are answered, one has no answer, one has a post that waits for approval."""
    topics: list[tuple[object, ...]] = []
    posts: list[tuple[object, ...]] = []
    number = 0
    for topic in range(1, 21):
        topics.append((topic, 0, f"Topic {prose(topic, 4)}", 2))
        said = [(2 + topic % 5, 1), (10, 1), (2 + topic % 5, 1), (11, 1), (11, 1)]
        said = said[:1] if topic == 7 else [(3, 1), (10, 0)] if topic == 8 else said
        for at, (who, visible) in enumerate(said):
            number += 1
            text = f"<r>{prose(1000 + number)}<br/>\n<B><s>[b]</s>bold {at}<e>[/b]</e></B></r>"
            posts.append((number, topic, who, 1600000000 + number, text, visible))
    users = [(n, f"user{n}", f"$2y$10${'x' * 40}{n}", f"u{n}@example.org") for n in range(2, 12)]
    private = [(1, 2, f"<t>secret {prose(9999)}</t>")]
    mysql(
        folder / "board_2024-05-01.sql",
        {
            "phpbb_config": (
                "`config_name` varchar(255), `config_value` varchar(255)",
                [("sitename", "a board")],
            ),
            "phpbb_posts": (
                "`post_id` int NOT NULL, `topic_id` int, `poster_id` int, `post_time` int, "
                "`post_text` mediumtext, `post_visibility` tinyint, PRIMARY KEY (`post_id`)",
                posts,
            ),
            "phpbb_privmsgs": (
                "`msg_id` int, `author_id` int, `message_text` mediumtext",
                private,
            ),
            "phpbb_topics": (
                "`topic_id` int NOT NULL, `topic_moved_id` int, `topic_title` varchar(255), "
                "`topic_poster` int, PRIMARY KEY (`topic_id`)",
                topics,
            ),
            "phpbb_users": (
                "`user_id` int, `username` varchar(255), `user_password` varchar(255), "
                "`user_email` varchar(100)",
                users,
            ),
        },
    )


def wordpress(folder: Path) -> None:
    """12 public posts in an export, and 9 public posts and pages in a dump."""
    items = "".join(
        f"<item><title>Post {n}</title><link>https://blog.example/{n}</link>"
        f"<content:encoded><![CDATA[<p>{prose(2000 + n)}</p><p>{prose(2100 + n)}</p>]]>"
        f"</content:encoded><wp:post_id>{n}</wp:post_id><wp:post_type>post</wp:post_type>"
        f"<wp:status>{'draft' if n > 12 else 'publish'}</wp:status></item>"
        for n in range(1, 15)
    )
    folder.mkdir(parents=True)
    (folder / "blog.WordPress.2024-05-01.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8" ?>\n<!-- generator="WordPress/6.5" -->\n'
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:wp="http://wordpress.org/export/1.2/"><channel><title>Blog</title>'
        f"<wp:wxr_version>1.2</wp:wxr_version>{items}</channel></rss>"
    )
    rows: list[tuple[object, ...]] = []
    kinds = [("publish", "post")] * 7 + [("publish", "page")] * 2
    kinds += [("draft", "post"), ("inherit", "revision"), ("publish", "nav_menu_item")]
    for n, (status, kind) in enumerate(kinds, 1):
        text = f"<!-- wp:paragraph --><p>{prose(2200 + n)}</p><!-- /wp:paragraph -->"
        rows.append((n, 1, "2024-01-01 10:00:00", text, f"Title {n}", status, kind))
    mysql(
        folder / "db" / "wp.sql",
        {
            "wp_options": (
                "`option_id` int, `option_name` varchar(191), `option_value` longtext",
                [(1, "siteurl", "https://example.org"), (2, "cron", 'a:2:{i:1;s:3:"abc";}')],
            ),
            "wp_posts": (
                "`ID` bigint unsigned NOT NULL, `post_author` bigint, `post_date` datetime, "
                "`post_content` longtext, `post_title` text, `post_status` varchar(20), "
                "`post_type` varchar(20), PRIMARY KEY (`ID`)",
                rows,
            ),
            "wp_users": ("`ID` bigint, `user_login` varchar(60)", [(1, "admin")]),
        },
    )


def mediawiki(folder: Path) -> None:
    """10 articles, two redirects, a talk page."""
    pages = ""
    for n in range(1, 14):
        text = (
            f"'''Page {n}''' is {prose(3000 + n)}\n\n== Part ==\n{prose(3100 + n)} [[Page 1|link]]"
        )
        text = "#REDIRECT [[Page 1]]" if n in (4, 9) else text
        space, title = (1, f"Talk:Page {n}") if n == 13 else (0, f"Page {n}")
        pages += (
            f"<page><title>{title}</title><ns>{space}</ns><id>{n}</id><revision><id>{n}00</id>"
            f"<model>wikitext</model><format>text/x-wiki</format>"
            f'<text xml:space="preserve">{text}</text></revision></page>\n'
        )
    folder.mkdir()
    (folder / "wiki-pages-current.xml").write_text(
        '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" '
        'xml:lang="en"><siteinfo><sitename>Wiki</sitename><dbname>wiki</dbname></siteinfo>\n'
        f"{pages}</mediawiki>\n"
    )


def discourse(folder: Path) -> None:
    """15 topics with answers in a dump of PostgreSQL, a private message, notes of the system."""
    topics, posts, number = [], [], 0
    for topic in range(1, 17):
        private = topic == 16
        topics.append(
            (
                topic,
                f"How about {prose(topic + 50, 4)}",
                "private_message" if private else "regular",
            )
        )
        for at in range(1, 5):
            number += 1
            of_system = 3 if at == 4 else 1
            who = topic % 4 + 1 if at != 2 else 9
            text = f"{prose(4000 + number)} **bold**"
            posts.append((number, who, topic, at, text, of_system, "f"))
    lines = ["--", "-- PostgreSQL database dump", "--", "SET client_encoding = 'UTF8';", ""]
    lines += [
        "CREATE TABLE public.posts (\n    id integer NOT NULL,\n    user_id integer,\n"
        "    topic_id integer NOT NULL,\n    post_number integer NOT NULL,\n    raw text,\n"
        "    post_type integer DEFAULT 1 NOT NULL,\n    hidden boolean DEFAULT false NOT NULL,\n"
        "    deleted_at timestamp without time zone\n);",
        "CREATE TABLE public.topics (\n    id integer NOT NULL,\n"
        "    title character varying NOT NULL,\n    archetype character varying NOT NULL,\n"
        "    deleted_at timestamp without time zone\n);",
        "COPY public.posts (id, user_id, topic_id, post_number, raw, post_type, hidden, "
        "deleted_at) FROM stdin;",
        *("\t".join([*map(str, row), "\\N"]) for row in posts),
        "\\.\n",
        "COPY public.topics (id, title, archetype, deleted_at) FROM stdin;",
        *("\t".join([*map(str, row), "\\N"]) for row in topics),
        "\\.\n\n--\n-- PostgreSQL database dump complete\n--\n",
    ]
    folder.mkdir()
    (folder / "dump.sql").write_text("\n".join(lines))


def stackexchange(folder: Path) -> None:
    """14 questions with an answer, two without, in Posts.xml; users, comments and tags beside."""
    folder.mkdir()
    rows = ""
    for n in range(1, 17):
        accepted = f'AcceptedAnswerId="{n + 100}" ' if n <= 14 else ""
        rows += (
            f'  <row Id="{n}" PostTypeId="1" {accepted}Score="3" Title="Question {prose(n, 4)}" '
            f'Tags="&lt;a&gt;" Body="&lt;p&gt;{prose(5000 + n)}&lt;/p&gt;" />\n'
        )
        if n <= 14:
            rows += (
                f'  <row Id="{n + 100}" PostTypeId="2" ParentId="{n}" Score="5" '
                f'Body="&lt;p&gt;{prose(5100 + n)}&lt;/p&gt;" />\n'
            )
    head = '<?xml version="1.0" encoding="utf-8"?>\n'
    (folder / "Posts.xml").write_text(f"{head}<posts>\n{rows}</posts>\n")
    users = '<row Id="1" DisplayName="Ann" />'
    (folder / "Users.xml").write_text(f"{head}<users>\n  {users}\n</users>\n")
    for name in ("Comments", "Tags", "Votes"):
        (folder / f"{name}.xml").write_text(
            f'{head}<{name.lower()}>\n  <row Id="1" PostId="1" Text="well" />\n</{name.lower()}>\n'
        )


def shop(folder: Path) -> None:
    """25 products with descriptions in a dump of a shop, beside customers and orders."""
    products = [
        (n, f"Product {n}", f"<p>{prose(6000 + n)}</p><ul><li>{prose(6100 + n, 6)}</li></ul>", 1990)
        for n in range(1, 26)
    ]
    customers = [(n, f"Name {n}", f"Street {n} of the long road by the sea", "x") for n in range(9)]
    mysql(
        folder / "shop.sql",
        {
            "ps_customer": (
                "`id_customer` int, `name` varchar(64), `address` varchar(128), `passwd` char(60)",
                customers,  # type: ignore[dict-item]
            ),
            "ps_orders": ("`id_order` int, `total` int", [(n, n * 10) for n in range(30)]),
            "ps_product_lang": (
                "`id_product` int NOT NULL, `name` varchar(128), `description` text, `price` int, "
                "PRIMARY KEY (`id_product`)",
                products,  # type: ignore[dict-item]
            ),
        },
    )


def page(title: str, *texts: str) -> str:
    """A page with a menu, a footer and its text."""
    body = "".join(f"<p>{text}</p>" for text in texts)
    return (
        f"<!DOCTYPE html><html lang=en><head><title>{title}</title></head><body>"
        '<nav><ul><li><a href="/">Home</a></li><li><a href="/a">All pages</a></li></ul></nav>'
        f"<main><h1>{title}</h1>{body}<pre><code>run --all</code></pre></main>"
        "<footer>Copyright of somebody, all rights reserved</footer></body></html>"
    )


def documentation(folder: Path) -> None:
    """30 pages in three folders, with styles, scripts and pictures."""
    for n in range(30):
        path = folder / "docs.example" / ("guide", "api", "faq")[n % 3] / f"page{n}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(f"Chapter {n}", prose(7000 + n, 40), prose(7100 + n, 40)))
    static = folder / "docs.example" / "_static"
    static.mkdir()
    (static / "style.css").write_text("body { color: red; margin: 0 }\n" * 20)
    (static / "search.js").write_text("function search(a) { return a + 1; }\n" * 20)
    (static / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))


def news(folder: Path) -> None:
    """20 articles whose files have no ending, as crawlers name them."""
    for n in range(20):
        path = folder / "news.example" / "2024" / f"{n % 4 + 1:02d}" / f"article-{n}?ref=home"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(f"News {n}", *(prose(7500 + 10 * n + k, 30) for k in range(3))))
    (folder / "news.example" / "robots.txt").write_text("User-agent: *\nDisallow: /admin\n")


def faq(folder: Path) -> None:
    """30 questions of a spreadsheet as Excel saves it in German: `;`, windows-1252, own names."""
    folder.mkdir()
    lines = ["Nr;Frage;Antwort;Stand"]
    lines += [
        f'{n:04d};"Wie geht {prose(8000 + n, 6)}?";"Das ist {prose(8100 + n)[8:-6]} und nicht mit '
        f'den {n} für die";01.0{n % 9 + 1}.2024'
        for n in range(30)
    ]
    (folder / "Häufige Fragen.csv").write_text("\r\n".join(lines) + "\r\n", encoding="cp1252")


def sharegpt(folder: Path) -> None:
    """25 conversations in one list."""
    folder.mkdir()
    talks = [
        {
            "id": f"t{n}",
            "conversations": [
                {"from": "human", "value": f"Tell me of {prose(8200 + n, 8)}"},
                {"from": "gpt", "value": prose(8300 + n)},
                {"from": "human", "value": f"And of {prose(8400 + n, 8)}?"},
                {"from": "gpt", "value": prose(8500 + n)},
            ],
        }
        for n in range(25)
    ]
    (folder / "export.json").write_text(json.dumps(talks, indent=1))


def alpaca(folder: Path) -> None:
    """30 instructions, some with an input; two refuse."""
    folder.mkdir()
    rows = [
        {
            "instruction": f"Explain {prose(8600 + n, 8)}",
            "input": prose(8650 + n, 10) if n % 3 == 0 else "",
            "output": "I'm sorry, but as an AI language model I cannot help with that request."
            if n in (4, 5)
            else prose(8700 + n),
        }
        for n in range(30)
    ]
    (folder / "alpaca_data.json").write_text(json.dumps(rows))


def tickets(folder: Path) -> None:
    """A SQLite file: 16 tickets of a help desk whose messages have roles."""
    folder.mkdir()
    with sqlite3.connect(folder / "support.db") as base:
        base.execute("CREATE TABLE ticket (id INTEGER PRIMARY KEY, subject TEXT, state TEXT)")
        base.execute(
            "CREATE TABLE message (id INTEGER PRIMARY KEY, ticket_id INTEGER, role TEXT, body TEXT)"
        )
        for n in range(1, 17):
            base.execute("INSERT INTO ticket VALUES (?, ?, 'closed')", (n, f"Help {prose(n, 4)}"))
            for k, role in enumerate(("customer", "customer", "bot", "customer", "bot")):
                base.execute(
                    "INSERT INTO message (ticket_id, role, body) VALUES (?, ?, ?)",
                    (n, role, prose(9000 + 10 * n + k)),
                )
    base.close()


def mixed(folder: Path) -> None:
    """8 Markdown notes, 6 pages in a zip file, a chat of two, 10 lines of JSON, and junk."""
    (folder / "notes").mkdir(parents=True)
    for n in range(8):
        (folder / "notes" / f"note {n}.md").write_text(f"# Note {n}\n\n{prose(9500 + n, 40)}\n")
    with zipfile.ZipFile(folder / "site.zip", "w") as archive:
        for n in range(6):
            archive.writestr(f"site/p{n}.html", page(f"Zip {n}", prose(9600 + n, 40)))
            archive.writestr(f"site/p{n}.png", b"\x89PNG\r\n\x1a\n" + bytes(50))
    chat = [
        f"[07.05.24, 10:{k:02d}:00] {'Ann' if k % 2 else 'Bob'}: {prose(9700 + k, 8)}"
        for k in range(12)
    ]
    (folder / "WhatsApp Chat.txt").write_text("\n".join(chat) + "\n")
    lines = [
        {"question": f"What {prose(9800 + n, 6)}?", "answer": prose(9850 + n)} for n in range(10)
    ]
    (folder / "qa.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    junk(folder)


def formats(folder: Path) -> None:
    """A book of 3 chapters, 4 pages in a web archive, 20 rows of Parquet, 5 texts, a mailbox, a
    dump with bytes in it that is called .txt."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    folder.mkdir()
    with zipfile.ZipFile(folder / "book.epub", "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="c.opf"/></rootfiles></container>',
        )
        items = "".join(
            f'<item id="c{n}" href="c{n}.xhtml" media-type="application/xhtml+xml"/>'
            for n in range(3)
        )
        spine = "".join(f'<itemref idref="c{n}"/>' for n in range(3))
        book.writestr(
            "c.opf",
            '<package xmlns="http://www.idpf.org/2007/opf"><metadata/>'
            f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
        )
        for n in range(3):
            text = f"<p>{prose(10000 + n, 40)}</p>"
            book.writestr(
                f"c{n}.xhtml",
                f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>C{n}</title></head>'
                f"<body><h1>Chapter {n}</h1>{text}</body></html>",
            )
    with open(folder / "crawl.warc.gz", "wb") as file:
        writer = WARCWriter(file, gzip=True)
        for n in range(4):
            head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
            payload = io.BytesIO(page(f"Crawled {n}", prose(10100 + n, 40)).encode())
            record = writer.create_warc_record(
                f"http://a.example/{n}", "response", payload=payload, http_headers=head
            )
            writer.write_record(record)
    rows = [
        {"question": f"Why {prose(10200 + n, 6)}?", "answer": prose(10300 + n)} for n in range(20)
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "part-0.parquet")
    for n in range(5):
        (folder / f"text {n}.txt").write_text(prose(10400 + n, 60))
    (folder / "inbox").write_text(
        "From a@example.org Mon Jan  1 10:00:00 2024\nFrom: a@example.org\nSubject: b\n\nwell\n"
    )


def junk(folder: Path) -> None:
    """What lies in folders: a pipe, what may not be read, odd names, noise, nothing."""
    folder.mkdir(exist_ok=True)
    os.mkfifo(folder / "pipe.html")
    (folder / "empty.csv").touch()
    (folder / "README.md").write_text("# About\n\nThese data were made for a test of folders.\n")
    (folder / "noise.json").write_bytes(random.Random(1).randbytes(3000))
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + struct.pack(">H", 16) + bytes(300))
    (folder / "half.docx").write_bytes(b"PK\x03\x04\x14\x00\x06\x00[Content_Types].xml" + bytes(9))
    (folder / "two\nlines\x1b[31m.html").write_text(page("Odd", prose(9900, 40)))
    (folder / os.fsdecode(b"latin\xe4.html")).write_text(page("Name", prose(9901, 40)))
    (folder / ".hidden").write_text("secret")
    (folder / "away").symlink_to("/etc")
    closed = folder / "closed.jsonl"
    closed.write_text("{}")
    closed.chmod(0)
