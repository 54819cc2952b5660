"""The report's page. All text of records is escaped; the page loads nothing and runs nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

import stages
from pipeline.progress import duration, number, size
from pipeline.views.report import plots
from pipeline.views.report.data import Reason, Report
from stages.sql_text import laid_out

_STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")


def page(report: Report) -> str:
    """The whole page."""
    account = report.account
    sections = [
        ("flow", "From raw files to tokens", _flow(report)),
        ("left", "What left, and why", _reasons(report.reasons)),
        ("training", "Training", _training(report)),
        ("lengths", "Lengths", _lengths(report)),
        ("time", "Where the time went", _time(report)),
        ("sources", "Sources and licences", _sources(report)),
        ("settings", "Settings and versions", _settings(report)),
    ]
    shown = [(anchor, title, body) for anchor, title, body in sections if body]
    links = "".join(f'<a href="#{anchor}">{escape(title)}</a>' for anchor, title, _ in shown)
    body = "".join(
        f'<section id="{anchor}"><h2>{escape(title)}</h2>{text}</section>'
        for anchor, title, text in shown
    )
    name = escape(account["name"])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>{name}: report</title><style>{_STYLE}</style></head><body>"
        f"<header><h1>{name}</h1>{_summary(report)}<nav>{links}</nav></header>"
        f"<main>{body}</main></body></html>\n"
    )


def _summary(report: Report) -> str:
    account, all_ = report.account, report.totals
    cells = [
        ("in", number(all_["seen"]), "items read from the sources"),
        ("kept", number(all_["kept"]), "records at the end"),
        ("dropped", number(all_["dropped"]), "by a rule"),
        ("failed", number(all_["failed"]), "could not be read"),
    ]
    if report.tokens is not None:
        cells.append(("tokens", number(report.tokens), "in the kept records"))
    if report.training:
        first, last = (
            report.training.summary.get("val_loss_first"),
            report.training.summary.get("val_loss_last"),
        )
        if first is not None and last is not None:
            cells.append(("validation", f"{first:.2f} → {last:.2f}", "nats a token"))
    told = "".join(
        f'<div class="cell" data-total="{name}"><b>{value}</b><span>{name}</span>'
        f"<small>{escape(what)}</small></div>"
        for name, value, what in cells
    )
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(account["started"]))
    return (
        f'<p class="when">{escape(account["status"])} on {when}, '
        f"{duration(account['seconds'])}, {account['workers']} workers</p>"
        f'<div class="cells">{told}</div>'
    )


def _counted(report: Report) -> list[dict[str, Any]]:
    return [step for step in report.account["steps"] if step["counts"]]


def _flow(report: Report) -> str:
    steps = _counted(report)
    sources = [step for step in steps if step["source"]]
    common = [step for step in steps if not step["source"]]
    last = {step["source"]: step for step in sources}
    drawing = plots.flow(
        [{"label": step["source"], **step["counts"]} for step in last.values()],
        [{"label": step["stage"], **step["counts"]} for step in common],
    )
    rows = "".join(
        f'<tr data-step="{escape(step["label"])}"><th scope="row">{escape(step["label"])}</th>'
        + "".join(
            f'<td data-count="{key}"{_class(key, step["counts"][key])}>'
            f"{number(step['counts'][key])}</td>"
            for key in ("seen", "kept", "dropped", "failed", "made", "changed")
        )
        + f"<td>{_bar(step['counts'])}</td></tr>"
        for step in steps
    )
    head = "".join(
        f"<th>{name}</th>" for name in ("in", "kept", "dropped", "failed", "made", "changed", "")
    )
    return (
        f'{drawing}<div class="wide"><table class="counts"><thead><tr><th>step</th>{head}</tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
        "<p>At each step in = kept + dropped + failed; the next step sees what was made. "
        "<i>Changed</i> records are kept with another text.</p>"
    )


def _class(key: str, value: int) -> str:
    return f' class="{key}"' if value and key in ("dropped", "failed") else ""


def _bar(counts: dict[str, Any]) -> str:
    whole = max(1, counts["seen"])
    return (
        '<span class="share">'
        + "".join(
            f'<i class="{key}" style="width:{counts[key] / whole * 100:.2f}%"></i>'
            for key in ("kept", "dropped", "failed")
        )
        + "</span>"
    )


def _reasons(reasons: list[Reason]) -> str:
    if not reasons:
        return "<p>Nothing left: every record that came in was kept.</p>"
    marks = [reason for reason in reasons if "match" in reason.samples[0]["evidence"]]
    shown = max(marks, key=lambda reason: reason.count, default=None)  # one as an example
    return "".join(
        f'<details class="{"failed" if reason.failed else "dropped"}"'
        f"{' open' if reason is shown else ''}><summary>"
        f'<b data-reason="{escape(f"{reason.step}/{reason.reason}")}">{number(reason.count)}</b> '
        f"<code>{escape(reason.reason)}</code> <span>{escape(reason.step)}: "
        f"{escape(reason.meaning)}</span></summary>"
        + "".join(_sample(sample) for sample in reason.samples)
        + "</details>"
        for reason in reasons
    )


def _sample(row: dict[str, Any]) -> str:
    evidence = row["evidence"]
    told = ", ".join(
        f"{escape(key)} {escape(_short(value))}"
        for key, value in evidence.items()
        if key != "match"
    )
    return (
        f'<div class="sample"><div class="place">{escape(row["source"])} · '
        f"{escape(row['place'])} · <code>{escape(row['id'])}</code></div>"
        f"<pre>{marked(row['text'] or '', evidence)}</pre>"
        + (f'<div class="evidence">{told}</div>' if told else "")
        + "</div>"
    )


def marked(text: str, evidence: dict[str, Any]) -> str:
    """The text, escaped, with the evidence's match marked where it stands."""
    match = evidence.get("match")
    if not isinstance(match, str) or not match:
        return escape(text)
    span = evidence.get("span")
    begin = span[0] if isinstance(span, list) and text[span[0] : span[1]] == match else -1
    if begin < 0:
        begin = text.find(match)
    if begin < 0:
        return f"{escape(text)}\n… <mark>{escape(match)}</mark>"
    end = begin + len(match)
    return f"{escape(text[:begin])}<mark>{escape(match)}</mark>{escape(text[end:])}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:200] + " …"


def _training(report: Report) -> str:
    training = report.training
    if training is None:
        return ""
    borders = training.summary.get("epoch_borders") or []
    drawing = plots.curves(training.curve, borders, report.findings)
    findings = "".join(
        f"<li><b>{escape(str(finding['kind']).replace('_', ' '))}</b> "
        f"{escape(str(finding.get('words') or finding.get('why') or ''))}</li>"
        for finding in report.findings
    )
    samples = "".join(
        f"<dl><dt>prompt</dt><dd>{escape(sample['prompt'])}</dd>"
        f"<dt>before training</dt><dd>{escape(sample['before'])}</dd>"
        f'<dt>after training</dt><dd class="after">{escape(sample["after"])}</dd>'
        f"<dt>in the data</dt><dd>{escape(sample.get('reference') or '')}</dd></dl>"
        for sample in training.samples
    )
    facts = _table((key, _short(value)) for key, value in sorted(training.summary.items()))
    return (
        f"{drawing}<h3>Findings</h3><ul>{findings or '<li>none were looked for</li>'}</ul>"
        f"<h3>The same prompt, before and after</h3>{samples}"
        f"<details><summary>all figures of the training</summary>{facts}</details>"
    )


def _lengths(report: Report) -> str:
    return "".join(
        f"<h3>{escape(data.title)}</h3><p>{escape(data.note)} {escape(data.unit)}</p>"
        f"{plots.histogram(data)}"
        for data in report.histograms
    )


def _time(report: Report) -> str:
    rows = [
        (
            step["label"],
            float(step["seconds"]),
            f"{duration(step['seconds'])}, {step['cpu']:.1f} CPU-s, "
            f"{number(step['computed'])} made, {number(step['reused'])} from the store",
        )
        for step in report.account["steps"]
    ]
    return plots.bars(rows, "seconds of each step")


def _sources(report: Report) -> str:
    rows = "".join(
        f"<tr><th scope='row'>{escape(name)}</th><td>{escape(licence) or 'not stated'}</td>"
        f'<td class="n">{number(count)}</td></tr>'
        for name, licence, count in report.by_source
    )
    return (
        "<table><thead><tr><th>source</th><th>licence</th><th>kept records</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _settings(report: Report) -> str:
    account = report.account
    steps = "".join(
        f"<details><summary><code>{escape(step['label'])}</code></summary>"
        + _table(_parameters(step))
        + "</details>"
        for step in account["steps"]
    )
    facts: list[tuple[str, str]] = [
        ("recipe", Path(account["recipe"]).name),
        ("seed", str(account["seed"])),
        ("machine", account["machine"]),
        ("python", account["python"]),
        *account["versions"].items(),
        ("store", size(account["store_bytes"])),
    ]
    return _table(facts) + steps


def _parameters(step: dict[str, Any]) -> Iterable[tuple[str, str]]:
    values = laid_out(stages.stage(step["stage"]), step["parameters"])
    return ((key, _short(value)) for key, value in values.items())


def _table(rows: Iterable[tuple[str, str]]) -> str:
    body = "".join(
        f"<tr><th scope='row'>{escape(key)}</th><td>{escape(value)}</td></tr>"
        for key, value in rows
    )
    return f'<table class="facts"><tbody>{body}</tbody></table>'
