"""Headings and lines that lead to other pages or ask something, in several languages."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stages.extract.webpage.blocks import Block
from stages.extract.webpage.tree import Node

# Of lists of other pages: these need links to be one.
_LEADS = re.compile(
    r"(?:related|recommended|suggested|similar|popular|trending|latest|recent(?:ly)?"
    r"|featured)\b.{0,40}$"
    r"|(?:most|best) (?:read|popular|viewed|shared)\b|top stories\b"
    r"|editor'?s'? (?:picks?|choice)"
    r"|(?:you (?:may|might)|customers|people|readers|others) (?:who \w+ \w+ )?(?:also"
    r" )?(?:like|love|enjoy|bought|view)"
    r"|you (?:may|might) (?:also )?be interested"
    r"|more (?:from|stories|articles|news|posts|in|on|like)\b"
    r"|(?:read|up|see) (?:next|more|also)|(?:further|additional|also) read(?:ing)?\b"
    r"|don.t miss|what to read next|(?:das|dies) k(?:ö|oe)nnte (?:sie|dich)"
    r"|mehr (?:zum thema|von|aus|artikel|nachrichten|zu)\b|lesen sie (?:auch|mehr|weiter)"
    r"|lies auch|auch interessant"
    r"|weitere (?:artikel|themen|beiträge|news|meldungen|nachrichten)"
    r"|(?:ähnliche|verwandte) (?:artikel|beiträge|themen)|meistgelesen|passend zum thema"
    r"|zum weiterlesen|das könnte|beliebte (?:artikel|beiträge)|neueste (?:artikel|beiträge)"
    r"|(?:à|a) lire (?:aussi|également)|lire (?:aussi|également)|sur le même (?:sujet|thème)"
    r"|(?:articles?|contenus?|sujets?) (?:similaires?|liés?|associés?|connexes?|recommandés?)"
    r"|vous (?:aimerez|pourriez) (?:aussi|aimer|être)"
    r"|(?:ces articles|cela) (?:pourraient|pourrait) vous"
    r"|plus d['’](?:articles|infos)|(?:les )?plus (?:lus|récents)"
    r"|derniers articles|dans la même rubrique|voir aussi\b.{0,30}$"
    r"|(?:lee|lea|leer|ver|mira|mire) (?:también|además|más)"
    r"|te (?:puede|podría|recomendamos|interesa)"
    r"|(?:noticias|artículos|contenidos?|notas|entradas|temas) (?:relacionad[ao]s?|similares"
    r"|recomendad[ao]s)"
    r"|más (?:noticias|leíd[ao]s?|sobre|de|en)\b.{0,40}$|quizás? te|también te puede"
    r"|relacionad[ao]s?\b.{0,20}$"
    r"|(?:czytaj|przeczytaj|zobacz|sprawdź|polecamy) (?:także|też|również|więcej)"
    r"|polecamy\b.{0,20}$"
    r"|(?:podobne|powiązane|polecane|najnowsze|popularne) (?:artykuły|wpisy|posty|tematy"
    r"|wiadomości)"
    r"|(?:leggi|vedi) anche|(?:articoli|notizie) (?:correlat[ie]|simili)"
    r"|potrebbe(?:ro)? (?:anche )?interessarti|potrebbero piacerti|leia (?:também|mais)"
    r"|veja (?:também|mais)|(?:artigos|notícias|conteúdos?|posts) relacionad[ao]s?"
    r"|(?:você|talvez) (?:também )?(?:pode|vai|goste)|mais lidas|lees (?:ook|meer)"
    r"|meer (?:over|van|nieuws)\b|gerelateerde?\b|l(?:ä|æ|e)s (?:också|også|mer|mere)\b"
    r"|(?:читайте|смотрите) (?:также|ещё|еще)|похожие"
    r"|(?:по теме|материалы по теме|рекомендуем|популярное)\b.{0,20}$|читайте більше|схожі"
    r"|(?:相关|相關|推荐|推薦|延伸|热门|熱門|猜你喜欢|更多|最新|精彩)(?:阅读|閱讀|文章|新闻"
    r"|新聞|推荐|推薦|链接|資訊|资讯|内容|精彩)?[:：]?$"
    r"|你可能(?:也|还|還)?(?:喜欢|感兴趣|會)|関連(?:記事|する)|あわせて読みたい"
    r"|おすすめ(?:の)?記事|人気記事|(?:관련|추천|인기) ?(?:기사|글|뉴스|포스트)"
    r"|(?:benzer|ilgili) (?:haberler|yazılar|konular)|bunlar da|(?:související|podobné) články"
    r"|mohlo by v(?:á|a)s|aiheesta lisää|lue myös",
    re.IGNORECASE,
)
# Of what asks the reader for something.
_ASKS = re.compile(
    r"(?:leave|post|add|write|submit) (?:a|your) (?:reply|comment|review)"
    r"|(?:laisser|écrire|ajouter) un (?:commentaire|avis)"
    r"|(?:schreib|hinterlass)\w* (?:einen|deinen|ihren|uns)\b"
    r"|kommentar (?:schreiben|verfassen|hinterlassen)"
    r"|(?:deja|escribe|añade|deixe) (?:una?|tu|un|seu) (?:respuesta|comentario|comentário)"
    r"|(?:dodaj|zostaw|napisz) (?:komentarz|odpowiedź)|发表(?:评论|回复)"
    r"|(?:lascia|scrivi) un commento|share (?:this|on|via)\b|about the authors?\b"
    r"|follow us(?:$|:| on\b)"
    r"|stay (?:connected|informed|in touch|updated|up to date)"
    r"|privacy overview|we (?:use|value your)\b.{0,20}(?:cookies|privacy)"
    r"|(?:manage|cookie) (?:consent|preferences|settings|notice)",
    re.IGNORECASE,
)
# The same, if what follows speaks to the reader.
_INVITES = re.compile(
    r"sign up\b|subscribe\b|(?:our |the )?newsletters?$|abonn\w+\b.{0,30}$|join (?:our|the)\b"
    r"|(?:get|join) (?:our|the) (?:newsletter|mailing|community|list|conversation)",
    re.IGNORECASE,
)
_TO_READER = re.compile(
    r"\b(?:your?|us|we|our|ihre?n?|sie|uns|vous|votre|nous|tu|su|ci)\b|@", re.IGNORECASE
)
# Of what readers wrote.
_READERS = re.compile(
    r"(?:\d+ )?(?:comments?|responses|kommentare?|commentaires?|comentarios?|comentários?"
    r"|komentarze|commenti|комментарии|评论|評論|コメント|댓글)(?:\s*[(（]?\d*[)）]?)?$"
    r"|\d+ (?:comments?|responses|replies|reviews)\b"
    r"|(?:comments?|responses) (?:\(?\d|(?:on|to|for):? [“\"«‘])"
    r"|(?:customer|user) reviews?\b.{0,20}$"
    r"|discuss(?:ion)? \(\d+\)",
    re.IGNORECASE,
)
# The word alone may be what the section is about, as of a language's comments.
_ALONE = re.compile(r"comments?|responses|kommentare?|commentaires?|comentarios?", re.IGNORECASE)
# Sections about these are text like others, unless they are mostly links.
_REVIEWS = re.compile(r"(?:reviews?|cookies?|ratings?)\b.{0,20}$", re.IGNORECASE)
_NOTICE = re.compile(
    r"\b(?:we|our partners|this (?:web)?site|our (?:web)?site|the"
    r" site)\b[^.]{0,60}\b(?:us(?:e|es|ing)|stores?|sets?)\b[^.]{0,60}\bcookies\b"
    r"|\bcookies?\b[^.]{0,80}\b(?:you (?:agree|consent|accept)|accept|enable)\b"
    r"|by (?:continuing|using|clicking|browsing|signing|subscribing|registering"
    r"|submitting)\b.{0,80}\b(?:agree|consent|accept|acknowledge)"
    r"|\b(?:subscribe|sign up)\b.{0,60}\b(?:newsletter|inbox|e-?mails?|updates|free trial"
    r"|alerts)\b"
    r"|\b(?:in(?:to)?|to) your (?:inbox|e-?mail)\b|enable javascript|all rights reserved"
    r"|turn on notifications|for your personal,? non-?commercial use only|©\s*(?:19|20)\d\d"
    r"|(?:19|20)\d\d\s*©|diese (?:web)?site verwendet cookies|wir verwenden cookies"
    r"|(?:nous|ce site) utilis(?:ons|e) (?:des )?cookies|(?:utilizamos|usamos|usa) cookies"
    r"|(?:strona|serwis) (?:używa|korzysta z) (?:plików )?cookies?|utilizza (?:i )?cookie"
    r"|本网站使用.{0,6}cookie|版权所有|all rights|alle rechte vorbehalten|tous droits réservés",
    re.IGNORECASE,
)
# Of lists of other things of the page's kind, which are no section of any page.
_OTHERS = re.compile(
    r"(?:related|similar) (?:items|products|articles|posts|stories|reads|topics)\b.{0,40}$"
    r"|(?:you (?:may|might)|customers|people|readers|others) (?:who \w+ \w+ )?also"
    r" (?:like|love|enjoy|bought|view)|more like this|recently viewed|frequently bought"
    r"|(?:ähnliche|verwandte) (?:artikel|produkte|beiträge)"
    r"|(?:das|dies) k(?:ö|oe)nnte (?:sie|dir|ihnen|dich) auch|kunden(?:, die| kauften| haben)"
    r"|vous (?:aimerez|pourriez) aussi|(?:produits|articles) (?:similaires|associés)"
    r"|también te puede|(?:productos|artículos) (?:relacionados|similares)"
    r"|(?:podobne|powiązane) (?:produkty|artykuły)"
    r"|potrebbe(?:ro)? (?:anche )?(?:interessarti|piacerti)"
    r"|(?:prodotti|articoli) (?:correlati|simili)|猜你喜欢|相关(?:商品|产品|推荐)|関連商品",
    re.IGNORECASE,
)
Rules = Mapping[str, re.Pattern[str]]
_OF_PAGE: Rules = {
    "leads": _LEADS,
    "asks": _ASKS,
    "invites": _INVITES,
    "readers": _READERS,
    "plain": _REVIEWS,
}
# Of a product reviews are what readers wrote.
_OF_PRODUCT: Rules = {
    "reviews": re.compile(r"(?:reviews?|ratings?)\b.{0,20}$", re.IGNORECASE),
    **_OF_PAGE,
}
_OF_SECTIONS: Rules = {"leads": _OTHERS}
_DEEP = 60
_ASKED, _SHARE = 800, 0.35


def leads_away(text: str) -> bool:
    """Whether a line leads to other pages."""
    return len(text) < 80 and _LEADS.match(text) is not None


def of_readers(text: str) -> bool:
    """Whether a heading stands over what readers wrote."""
    return _READERS.match(text) is not None


def notice(text: str) -> bool:
    """Whether a line is a notice of the site: about cookies, its newsletter, its rights."""
    return len(text) < 1000 and _NOTICE.search(text) is not None


def cut_away(blocks: list[Block], kind: str, region: bool) -> None:
    """Cut sections that lead away from the page or ask something of the reader.

    kind: of the page. region: whether it is one text; of a page of many sections only lists of
    other things of its kind are cut, for what else is asked or led to may be what it is for.

    A section ends at a heading of its level, and with the element that holds its heading. Blocks
    that were cut as lists of links belong to it, and go with it if nothing else is there.
    """
    rules = _OF_PRODUCT if kind == "product" else _OF_PAGE if region else _OF_SECTIONS
    number = 1
    while number < len(blocks):
        block = blocks[number]
        kind = "" if block.cut else _kind(block, rules)
        if not kind:
            number += 1
            continue
        end = _end(blocks, number)
        if kind == "readers" and _ALONE.fullmatch(block.text):
            kind = "discussed"
        if _goes(kind, blocks[number + 1 : end]):
            for one in blocks[number:end]:
                one.cut = "related"
            number = end
        else:
            number += 1


def _kind(block: Block, rules: Rules) -> str:
    if block.kind == "h" or (block.kind == "p" and len(block.text) < 60 and not block.links):
        for kind, rule in rules.items():
            if rule.match(block.text):
                return kind if block.kind == "h" or kind == "leads" else ""
    return ""


def _end(blocks: list[Block], number: int) -> int:
    """Where the section of a heading ends, or of a line that is one."""
    head = blocks[number]
    holder = head.node
    for _ in range(_DEEP):  # the first element around it that holds more than the heading
        if holder.parent is None or holder.chars > len(head.text) + 2:
            break
        holder = holder.parent
    for at in range(number + 1, len(blocks)):
        block = blocks[at]
        if block.kind == "h" and (head.kind != "h" or block.level <= head.level):
            return at
        if not _within(block.node, holder):
            return at
        if head.kind != "h" and block.kind == "p" and block.links < 0.5 * len(block.text):
            return at
    return len(blocks)


def _within(node: Node | None, holder: Node) -> bool:
    for _ in range(_DEEP):
        if node is None or node is holder:
            break
        node = node.parent
    return node is holder


def _is_told(block: Block) -> bool:
    return block.kind in ("p", "code") and len(block.text) > 60


def _goes(kind: str, section: list[Block]) -> bool:
    anything = bool(section)
    section = [block for block in section if not block.cut]
    texts = [block for block in section if block.kind != "h"]
    size = sum(len(block.text) for block in section)
    links = sum(block.links for block in section)
    if kind in ("readers", "reviews"):
        return True
    if kind == "discussed":
        return not texts or links > 0 or not all(map(_is_told, texts))
    if not texts:
        return anything or kind in ("asks", "invites")
    if kind == "invites" and links <= _SHARE * size:
        told = " ".join(block.text for block in texts)
        return size < _ASKED and _TO_READER.search(told) is not None
    if kind == "asks":
        return size < _ASKED or links > _SHARE * size
    linked = sum(block.links > 0.5 * len(block.text) for block in section if block.kind == "h")
    prose = sum(len(block.text) for block in texts if block.links < 0.2 * len(block.text))
    if links > 0.5 * size or linked > 1:
        return True
    return links > _SHARE * size and prose < 400
