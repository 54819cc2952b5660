# ruff: noqa: E501 (elements of templates are one line each)
"""Pages of topics as the programs of forums lay them out, with texts of our own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

SIGNED = "Sent from the lighthouse"
ADVERT = "Buy two anchors and pay for one"


@dataclass(frozen=True)
class Written:
    """One post of a page to be made. quoted: whom and what it quotes. deleted: only a notice."""

    writer: str
    text: str
    quoted: tuple[str, str] | None = None
    deleted: bool = False
    accepted: bool = False


@dataclass(frozen=True)
class Topic:
    """A page of a topic. extras: signatures, and an advertisement behind the first post."""

    title: str
    posts: Sequence[Written] = field(default_factory=list)
    extras: bool = False
    page: int = 1


Engine = Callable[[Topic], str]


def page(topic: Topic, inner: str, head: str = "", body: str = "") -> str:
    return (
        f"<!doctype html><html lang=en><head><title>{topic.title} | Harbour board</title>{head}"
        f"</head><body {body}><nav><a href=/>Home</a> <a href=/members/>Members</a></nav>{inner}"
        "<footer>Powered by the board's program</footer></body></html>"
    )


def canonical(path: str) -> str:
    return f'<link rel="canonical" href="https://board.example/{path}">'


def joined(topic: Topic, post: Callable[[int, Written], str], advert: str = "") -> str:
    """The posts, with an advertisement behind the first."""
    made = []
    for number, one in enumerate(topic.posts, 1 + 10 * (topic.page - 1)):
        made.append(post(number, one))
        if topic.extras and len(made) == 1:
            made.append(advert or f"<div class='ad-slot'>{ADVERT}</div>")
    return "".join(made)


def phpbb(topic: Topic) -> str:
    def post(number: int, one: Written) -> str:
        if one.deleted:
            return f"<div id=p{number} class='post bg1 deleted'><div class=notice>Deleted by x.</div></div>"
        quote = "<blockquote><div><cite>{} wrote:</cite>{}</div></blockquote>"
        quoted = quote.format(*one.quoted) if one.quoted else ""
        sign = f"<div id=sig{number} class=signature>{SIGNED}</div>" if topic.extras else ""
        return (
            f"<div id=p{number} class='post has-profile bg2'><div class=inner>"
            f"<dl class=postprofile id=profile{number}><dt><div class=avatar-container></div>"
            f"<a href='./memberlist.php?mode=viewprofile&u=2' class=username>{one.writer}</a></dt>"
            "<dd class=profile-rank>Skipper</dd><dd>Posts: 12</dd></dl>"
            f"<div class=postbody><div id=post_content{number}><h3><a href=#p{number}>Re: {topic.title}"
            f"</a></h3><p class=author>by <strong><a class=username href=./x>{one.writer}</a></strong>"
            f" » Mon Mar 04</p><div class=content>{quoted}{one.text}</div>{sign}</div></div></div></div>"
        )

    at = "&start=10" if topic.page > 1 else ""
    return page(
        topic,
        f"<div id=page-body><h2 class=topic-title>{topic.title}</h2>{joined(topic, post)}</div>",
        canonical(f"viewtopic.php?t=7{at}"),
        "id=phpbb class='nojs section-viewtopic'",
    )


def phpbb2(topic: Topic) -> str:
    def post(number: int, one: Written) -> str:
        quote = "<table><tr><td><b>{} wrote:</b></td></tr><tr><td class=quote>{}</td></tr></table>"
        quoted = quote.format(*one.quoted) if one.quoted else ""
        sign = f"<br>_________________<br>{SIGNED}" if topic.extras else ""
        text = "" if one.deleted else one.text
        return (
            f"<tr><td class=row1><span class=name><a name={number}></a><b>{one.writer}</b></span><br>"
            "<span class=postdetails>Skipper<br>Joined: 04 Mar</span></td><td class=row1><table><tr>"
            "<td><span class=postdetails>Posted: Mon Mar 04</span></td></tr><tr><td colspan=2><hr></td>"
            f"</tr><tr><td colspan=2>{quoted}<span class=postbody>{text}</span>"
            f"<span class=postbody>{sign}</span></td></tr></table></td></tr>"
        )

    at = "&start=10" if topic.page > 1 else ""
    rows = joined(topic, post, f"<tr><td class=row3>{ADVERT}</td></tr>")
    inner = f"<a class=maintitle href=x>{topic.title}</a><table class=forumline>{rows}</table>"
    told = "<meta name=generator content=phpBB>" + canonical(f"viewtopic.php?t=7{at}")
    return page(topic, inner, told, "class=phpbb")


def discourse(topic: Topic) -> str:
    def post(number: int, one: Written) -> str:
        quote = "<aside class=quote><div class=title>{}:</div><blockquote><p>{}</p></blockquote></aside>"
        quoted = quote.format(*one.quoted) if one.quoted else ""
        text = "" if one.deleted else f"<p>{one.text}</p>"
        return (
            f"<div id=post_{number} itemprop=comment itemscope itemtype='http://schema.org/Comment'"
            " class='topic-body crawler-post'><div class=crawler-post-meta><span class=creator "
            f"itemprop=author itemscope><a itemprop=url href='/u/{one.writer}'><span itemprop=name>"
            f"{one.writer}</span></a></span> <time itemprop=datePublished>4 March</time><span "
            f"itemprop=position>{number}</span></div><div class=post itemprop=text>{quoted}{text}</div>"
            "<div itemprop=interactionStatistic>3 Likes</div></div>"
        )

    best = next((one.text for one in topic.posts if one.accepted), "")
    told = (
        '<script type="application/ld+json">{"@type":"QAPage","mainEntity":{"@type":"Question",'
        f'"acceptedAnswer":{{"@type":"Answer","text":"{best}"}}}}}}</script>'
        if best
        else ""
    )
    at = "?page=2" if topic.page > 1 else ""
    head = "<meta name=generator content='Discourse 3.3'>" + canonical(f"t/x/7{at}")
    inner = f"{told}<div id=topic-title><h1>{topic.title}</h1></div><div itemscope>{joined(topic, post)}</div>"
    return page(topic, inner, head, "class=crawler")


def discourse_app(topic: Topic) -> str:
    def post(number: int, one: Written) -> str:
        text = "" if one.deleted else f"<p>{one.text}</p>"
        quote = "<aside class=quote><div class=title>{}:</div><blockquote><p>{}</p></blockquote></aside>"
        quoted = quote.format(*one.quoted) if one.quoted else ""
        return (
            f"<div class='topic-post clearfix regular'><article id=post_{number}><div class=row>"
            f"<div class=topic-avatar></div><div class='topic-body clearfix'><div class=topic-meta-data>"
            f"<div class='names trigger-user-card'><span class='first username'><a href=/u/x>{one.writer}"
            "</a></span></div><div class=post-infos>4 March</div></div><div class='regular contents'>"
            f"<div class=cooked>{quoted}{text}</div><section class='post-menu-area'><button>Reply</button>"
            "</section></div></div></div></article></div>"
        )

    at = "?page=2" if topic.page > 1 else ""
    head = "<meta name=generator content='Discourse 3.3'>" + canonical(f"t/x/7{at}")
    inner = f"<h1>{topic.title}</h1><div class='post-stream'>{joined(topic, post)}</div>"
    return page(topic, inner, head)


def xenforo(topic: Topic) -> str:
    def post(number: int, one: Written) -> str:
        if one.deleted:
            return (
                f"<div class='message message--deleted' id=js-post-{number}><div class=messageNotice>"
                "This message has been deleted.</div></div>"
            )
        quote = (
            "<blockquote class='bbCodeBlock bbCodeBlock--quote'><div class=bbCodeBlock-title>{} said:"
            "</div><div class=bbCodeBlock-content>{}<div class=bbCodeBlock-expandLink>Click to expand"
            "...</div></div></blockquote>"
        )
        quoted = quote.format(*one.quoted) if one.quoted else ""
        sign = (
            f"<aside class=message-signature><div class=bbWrapper>{SIGNED}</div></aside>"
            if topic.extras
            else ""
        )
        best = " message--solution" if one.accepted else ""
        return (
            f"<article class='message message--post js-post{best}' data-author='{one.writer}' "
            f"id=js-post-{number}><div class=message-inner><div class='message-cell message-cell--user'>"
            f"<section class=message-user><h4 class=message-name><a href=/members/x.1/ class=username>"
            f"{one.writer}</a></h4><h5 class='userTitle message-userTitle'>Skipper</h5></section></div>"
            "<div class='message-cell message-cell--main'><div class='message-main'><header "
            f"class=message-attribution><time>4 March</time><a href=#post-{number}>#{number}</a></header>"
            "<div class=message-content><div class=message-userContent><article class='message-body "
            f"js-selectToQuote'><div><div class=bbWrapper>{quoted}{one.text}</div></div></article></div>"
            f"{sign}</div></div></div></div></article>"
        )

    at = "page-2" if topic.page > 1 else ""
    inner = f"<h1 class=p-title-value>{topic.title}</h1><div class='block-body js-replyNewMessageContainer'>{joined(topic, post)}</div>"
    return page(topic, inner, canonical(f"threads/x.7/{at}"), "data-template=thread_view")


def xenforo1(topic: Topic) -> str:
    def post(number: int, one: Written) -> str:
        if one.deleted:
            return f"<li id=post-{number} class='message deleted'>Message deleted</li>"
        quote = "<div class=bbCodeQuote><aside><div class=attribution>{} said:</div><blockquote class=quoteContainer>{}</blockquote></aside></div>"
        quoted = quote.format(*one.quoted) if one.quoted else ""
        sign = f"<div class='baseHtml signature messageText ugc'><aside>{SIGNED}</aside></div>"
        return (
            f"<li id=post-{number} class='message' data-author='{one.writer}'><div class=messageUserInfo>"
            f"<div class=messageUserBlock><h3 class=userText><a href='members/x.1/' class=username>"
            f"{one.writer}</a><em class=userTitle>Skipper</em></h3></div></div><div class='messageInfo "
            "primaryContent'><div class=messageContent><article><blockquote class='messageText "
            f"SelectQuoteContainer ugc baseHtml'>{quoted}{one.text}</blockquote></article></div>"
            f"{sign if topic.extras else ''}<div class='messageMeta'><a class='item muted postNumber' "
            f"href='threads/x.7/#post-{number}'>#{number}</a></div></div></li>"
        )

    at = "page-2" if topic.page > 1 else ""
    inner = f"<div class=titleBar><h1>{topic.title}</h1></div><ol class=messageList id=messageList>{joined(topic, post, f'<li class=ad-row>{ADVERT}</li>')}</ol>"
    return page(topic, inner, canonical(f"threads/x.7/{at}"), "id=XenForo")


def vbulletin3(topic: Topic) -> str:
    def post(number: int, one: Written) -> str:
        quote = "<div><div class=smallfont>Quote:</div><table><tr><td class=alt2>Originally Posted by <strong>{}</strong><div>{}</div></td></tr></table></div>"
        quoted = quote.format(*one.quoted) if one.quoted else ""
        sign = f"<div>__________________<br>{SIGNED}</div>" if topic.extras else ""
        text = "" if one.deleted else one.text
        return (
            f"<table id=post{number} class=tborder><tr><td class=thead>#<a href=x><strong>{number}</strong>"
            f"</a></td></tr><tr><td class=alt2><div id=postmenu_{number}><a class=bigusername href="
            f"'member.php?u=2'>{one.writer}</a></div><div class=smallfont>Skipper</div></td></tr><tr>"
            f"<td class=alt1 id=td_post_{number}><div id=post_message_{number}>{quoted}{text}</div>{sign}"
            "</td></tr></table>"
        )

    at = "&page=2" if topic.page > 1 else ""
    head = "<meta name=generator content='vBulletin 3.8.7'>" + canonical(f"showthread.php?t=7{at}")
    inner = f"<strong>{topic.title}</strong><div id=posts>{joined(topic, post)}</div>"
    return page(topic, inner, head)


def vbulletin4(topic: Topic) -> str:
    def post(number: int, one: Written) -> str:
        if one.deleted:
            return f"<li class='postbitdeleted postbit' id=post_{number}>This post has been deleted</li>"
        quote = "<div class=bbcode_container><div class=bbcode_quote><div class=quote_container><div class=bbcode_postedby>Originally Posted by <strong>{}</strong></div><div class=message>{}</div></div></div></div>"
        quoted = quote.format(*one.quoted) if one.quoted else ""
        sign = f"<div class=signature>{SIGNED}</div>" if topic.extras else ""
        return (
            f"<li class='postbitlegacy postbitim postcontainer' id=post_{number}><div class=posthead>"
            f"<a class=postcounter href=x>#{number}</a></div><div class=postdetails><div class=userinfo>"
            f"<div class=username_container><a class='username offline popupctrl' href='member.php?2'>"
            f"<strong>{one.writer}</strong></a><span class=usertitle>Skipper</span></div></div><div "
            f"class=postbody><div class=postrow><div class=content><div id=post_message_{number}>"
            f"<blockquote class='postcontent restore'>{quoted}{one.text}</blockquote></div></div>{sign}"
            "</div></div></div></li>"
        )

    at = "/page2" if topic.page > 1 else ""
    head = "<meta name=generator content='vBulletin 4.2.2'>" + canonical(f"threads/7-x{at}")
    inner = f"<h1>{topic.title}</h1><ol id=posts class=posts>{joined(topic, post, f'<li>{ADVERT}</li>')}</ol>"
    return page(topic, inner, head)


def stackexchange(topic: Topic) -> str:
    def post(number: int, one: Written) -> str:
        first = one is topic.posts[0]
        kind = "question" if first else f"answer{' accepted-answer' if one.accepted else ''}"
        prop = "" if first else f"itemprop={'accepted' if one.accepted else 'suggested'}Answer"
        quoted = f"<blockquote><p>{one.quoted[1]}</p></blockquote>" if one.quoted else ""
        text = "" if one.deleted else f"<p>{one.text}</p>"
        return (
            f"<div id={kind.split()[0]}-{number} class='{kind}' {prop} itemscope><div class=post-layout>"
            "<div class=votecell><div class='js-vote-count'>4</div></div><div class=postcell><div "
            f"class='s-prose js-post-body' itemprop=text>{quoted}{text}</div><div class=post-signature>"
            "<div class=user-action-time>edited Mar 5</div><div class=user-details><a href=/users/9/e>"
            "An Editor</a></div></div><div class='post-signature owner'><div class=user-action-time>asked "
            f"Mar 4</div><div class=user-details itemprop=author itemscope><a href=/users/1/x>{one.writer}"
            f"</a><span class=d-none itemprop=name>{one.writer}</span><span class=reputation-score>12"
            "</span></div></div></div><div class='comments js-comments-container'><ul class=comments-list>"
            "<li class=comment><div class=comment-text><span class=comment-copy>Which gauge?</span>"
            "<a class=comment-user href=/users/5/c itemprop=author>A Commenter</a></div></li></ul></div>"
            "</div></div>"
        )

    inner = (
        f"<div itemprop=mainEntity itemscope itemtype='https://schema.org/Question'><h1 itemprop=name>"
        f"{topic.title}</h1>{joined(topic, post)}</div>"
    )
    told = canonical("questions/7/x" + ("?page=2" if topic.page > 1 else ""))
    body = "class=question-page itemscope itemtype='https://schema.org/QAPage'"
    return page(topic, inner, told, body)


def reddit(topic: Topic) -> str:
    def post(number: int, one: Written) -> str:
        first = one is topic.posts[0]
        quoted = f"<blockquote><p>{one.quoted[1]}</p></blockquote>" if one.quoted else ""
        text = "[removed]" if one.deleted else one.text
        writer = (
            "<em>[deleted]</em>"
            if one.deleted
            else f"<a href='https://old.reddit.com/user/{one.writer}' class='author may-blank'>{one.writer}</a>"
        )
        said = f"<div class='usertext-body may-blank-within md-container'><div class=md>{quoted}<p>{text}</p></div></div>"
        if first:
            return (
                f"<div class=sitetable><div class='thing id-t3_{number} self link'><div class='entry'><p "
                f"class=title><a class=title href=x>{topic.title}</a></p><p class=tagline>submitted by "
                f"{writer}</p><div class=expando><form class=usertext>{said}</form></div></div></div></div>"
            )
        return (
            f"<div class='thing id-t1_{number} comment'><div class=entry><p class=tagline>{writer}<span "
            f"class=score>3 points</span></p><form class=usertext>{said}</form><ul class='flat-list "
            "buttons'><li><a href=x>permalink</a></li></ul></div></div>"
        )

    side = "<div class=side><div class=usertext-body>Rules of the harbour: be kind.</div></div>"
    told = canonical("r/harbour/comments/7/x/")
    return page(topic, side + f"<div class=content>{joined(topic, post)}</div>", told)


def smf(topic: Topic) -> str:
    def post(number: int, one: Written) -> str:
        quote = "<div class=quoteheader>Quote from: {}</div><blockquote class=bbc_standard_quote>{}</blockquote>"
        quoted = quote.format(*one.quoted) if one.quoted else ""
        sign = (
            f"<div class=signature id=msg_{number}_signature>{SIGNED}</div>" if topic.extras else ""
        )
        text = "" if one.deleted else one.text
        return (
            f"<div class='windowbg' id=msg{number}><div class=post_wrapper><div class=poster><h4><a href="
            f"'index.php?action=profile;u=2' title='View the profile'>{one.writer}</a></h4><ul class="
            "user_info><li class=postgroup>Skipper</li></ul></div><div class=postarea><div class=keyinfo>"
            f"<h5>Re: {topic.title}</h5></div><div class=post><div class=inner id=msg_{number}>{quoted}"
            f"{text}</div></div></div><div class=moderatorbar>{sign}</div></div></div>"
        )

    at = "10" if topic.page > 1 else "0"
    inner = f"<h3>{topic.title}</h3><div id=forumposts>{joined(topic, post)}</div>"
    return page(topic, inner, canonical(f"index.php?topic=7.{at}"))


def mybb(topic: Topic) -> str:
    def post(number: int, one: Written) -> str:
        quote = "<blockquote class=mycode_quote><cite>{} Wrote:</cite>{}</blockquote>"
        quoted = quote.format(*one.quoted) if one.quoted else ""
        sign = f"<div class='signature scaleimages'>{SIGNED}</div>" if topic.extras else ""
        text = "" if one.deleted else one.text
        return (
            f"<div class='post classic' id=post_{number}><div class='post_author scaleimages'><div class="
            f"author_information><strong><span class=largetext><a href=user-2.html>{one.writer}</a></span>"
            "</strong><br><span class=smalltext>Skipper</span></div><div class=author_statistics>Posts: 9"
            f"</div></div><div class=post_content><div class=post_head><a href=x>#{number}</a></div><div "
            f"class='post_body scaleimages' id=pid_{number}>{quoted}{text}</div>{sign}</div></div>"
        )

    at = "-page-2" if topic.page > 1 else ""
    inner = f"<h1>{topic.title}</h1><div id=posts>{joined(topic, post)}</div>"
    return page(topic, inner, canonical(f"thread-7{at}.html"))


def invision(topic: Topic) -> str:
    def post(number: int, one: Written) -> str:
        quote = "<blockquote class=ipsQuote><div class=ipsQuote_citation>{} said:</div><div class=ipsQuote_contents><p>{}</p></div></blockquote>"
        quoted = quote.format(*one.quoted) if one.quoted else ""
        sign = (
            f"<div data-role=memberSignature class='ipsType_signature'><div class='ipsType_richText'>{SIGNED}</div></div>"
            if topic.extras
            else ""
        )
        text = "" if one.deleted else f"<p>{one.text}</p>"
        return (
            f"<article id=elComment_{number} class='cPost ipsBox ipsComment'><aside class='ipsComment_author"
            f" cAuthorPane'><h3 class='cAuthorPane_author'><strong><a href='/profile/2-x/'>{one.writer}</a>"
            f"</strong></h3></aside><div class='ipsColumn'><div id=comment-{number}_wrap class="
            "'ipsComment_content ipsType_medium'><div class=ipsComment_meta>Posted March 4</div><div "
            f"class='cPost_contentWrap'><div data-role=commentContent class='ipsType_normal ipsType_richText"
            f" ipsContained'>{quoted}{text}</div>{sign}</div></div></div></article>"
        )

    at = "?page=2" if topic.page > 1 else ""
    inner = f"<h1 class=ipsType_pageTitle>{topic.title}</h1><div id=elPostFeed>{joined(topic, post)}</div>"
    return page(topic, inner, canonical(f"topic/7-x/{at}"), "class='ipsApp ipsApp_front'")


def bbpress(topic: Topic) -> str:
    def post(number: int, one: Written) -> str:
        quoted = f"<blockquote><p>{one.quoted[1]}</p></blockquote>" if one.quoted else ""
        text = "" if one.deleted else f"<p>{one.text}</p>"
        return (
            f"<li><div class=bbp-reply-header><span class=bbp-reply-post-date>March 4</span><a class="
            f"bbp-reply-permalink href=x>#{100 + number}</a></div><div class='post-{number} reply type-reply'>"
            f"<div class=bbp-reply-author><a href='/users/x/' class=bbp-author-link><span class="
            f"bbp-author-name>{one.writer}</span></a><div class=bbp-author-role>Member</div></div><div class="
            f"bbp-reply-content>{quoted}{text}</div></div></li>"
        )

    at = "page/2/" if topic.page > 1 else ""
    head = "<li class=bbp-header><div class=bbp-reply-author>Author</div><div class=bbp-reply-content>Posts</div></li>"
    inner = f"<h1 class=entry-title>{topic.title}</h1><ul class=forums>{head}<li class=bbp-body><ul>{joined(topic, post, f'<li>{ADVERT}</li>')}</ul></li></ul>"
    told = canonical(f"forums/topic/x/{at}")
    return page(topic, inner, told, "class='bbpress topic-template-default single-topic'")


def hyperkitty(topic: Topic) -> str:
    def post(number: int, one: Written) -> str:
        quoted = f"<div class=quoted-text><p>&gt; {one.quoted[1]}</p></div>" if one.quoted else ""
        text = "" if one.deleted else f"<p>{one.text}</p>"
        return (
            f"<div class='email'><div class='email-header'><div class=email-author><span class=name><a "
            f"href='/users/ab/' title='See the profile for {one.writer}'>{one.writer}</a></span></div><div "
            f"class=email-date>4 Mar</div></div><div class='email-body'>{quoted}{text}</div><div class="
            "email-info><a href=#x>Reply</a></div></div>"
        )

    inner = f"<div class=thread-header><h3>{topic.title}</h3></div><div id=thread-content>{joined(topic, post)}</div>"
    at = "?page=2" if topic.page > 1 else ""
    return page(topic, inner, canonical(f"hyperkitty/list/x/thread/AB/{at}"))


def marked(topic: Topic) -> str:
    """A program that nobody knows, with the marks of schema.org."""

    def post(number: int, one: Written) -> str:
        first = one is topic.posts[0]
        kind = "" if first else "itemprop=comment itemtype='https://schema.org/Comment'"
        quoted = f"<blockquote>{one.quoted[1]}</blockquote>" if one.quoted else ""
        text = "" if one.deleted else one.text
        return (
            f"<section class=q{number} {kind} itemscope><div itemprop=author itemscope><span itemprop=name>"
            f"{one.writer}</span></div><div class=zz itemprop=text>{quoted}{text}</div></section>"
        )

    at = "?page=2" if topic.page > 1 else ""
    inner = f"<div itemscope itemtype='https://schema.org/DiscussionForumPosting'><h1 itemprop=headline>{topic.title}</h1>{joined(topic, post)}</div>"
    told = '<script type="application/ld+json">{"@type":"DiscussionForumPosting"}</script>'
    return page(topic, inner, told + canonical(f"topics/7{at}"))


ENGINES: dict[str, Engine] = {
    one.__name__: one
    for one in (
        *(phpbb, phpbb2, discourse, discourse_app, xenforo, xenforo1, vbulletin3, vbulletin4),
        *(stackexchange, reddit, smf, mybb, invision, bbpress, hyperkitty, marked),
    )
}
