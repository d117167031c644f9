"""What the app shows, as markup in one language."""

from base64 import b64encode
from urllib.parse import quote

from convscope.errors import ConvscopeError
from convscope.evaluation.page.headline import FEW, majority, verdict
from convscope.evaluation.page.svg import bar, interval
from convscope.evaluation.page.texts import percent
from convscope.evaluation.report import Report
from convscope.ui.app.answering import Answer
from convscope.ui.app.choices import answer_command, answer_python
from convscope.ui.app.ground import Ground, Refused
from convscope.ui.app.jobs import Finished, Mistake, State
from convscope.words import LANGUAGES, Language, say
from convscope.words.markup import NO_BREAK, escape, name

NAMES = {"en": "English", "ko": "한국어"}
MOST_OF_A_NAME = 60


def text(key: str, language: Language, /, **values: object) -> str:
    """A text, made inert in markup."""
    return escape(say(key, language, **values))


def header(language: Language) -> str:
    """Title and language switch."""
    links = "".join(
        f'<a href="../?lang={each}" lang="{each}" hreflang="{each}"{" aria-current=page" * (each == language)}>'
        f"{NAMES[each]}</a>"
        for each in LANGUAGES
    )
    return (
        f'<header class="cs-head"><div><h1>convscope</h1><p>{text("app.tagline", language)}</p></div>'
        f'<nav aria-label="Language / 언어">{links}</nav></header>'
    )


def fault(error: ConvscopeError, language: Language) -> str:
    """One sentence about what went wrong; those that only exist in English are marked as English."""
    if isinstance(error, Refused):
        sentence = text(error.key, language, **error.values)
    else:
        lead = "" if language == "en" else f"{text('app.fault', language)} "
        sentence = f'{lead}<span lang="en">{escape(str(error))}</span>'
    return f'<p class="cs-fault" role="alert">{sentence}</p>'


def note(key: str, language: Language, /, **values: object) -> str:
    """One sentence that is no fault."""
    return f'<p class="cs-note" role="status">{text(key, language, **values)}</p>'


def hint(key: str, language: Language) -> str:
    """One sentence that is always there."""
    return f'<p class="cs-note">{text(key, language)}</p>'


def progress(state: State, language: Language) -> str:
    """How far a training is, and what it has said; nothing before the first."""
    if state.order is None:
        return ""
    parts = []
    if state.running:
        parts.append(_bar(state, language))
    elif state.failed:
        parts.append(fault(state.failed, language))
    elif state.stopped:
        parts.append(note("app.stopped", language))
    if state.lines:
        told = "".join(f"<li>{text(key, language, **values)}</li>" for key, values in reversed(state.lines))
        lines = f'<ol class="cs-lines">{told}</ol>'
        summary = text("app.lines", language)
        shut = f"<details><summary>{summary}</summary>{lines}</details>"
        parts.append(shut if state.finished else lines)
    return f'<section class="cs-progress">{"".join(parts)}</section>'


def _bar(state: State, language: Language) -> str:
    known = 0 < state.done < state.total  # at the end of a stage, what follows may take a while, too
    stage = text(f"stage.{state.stage}", language) if known else text("app.working", language)
    share = state.done / state.total if known else 0.0
    count = f"{state.done:,}{NO_BREAK}/{NO_BREAK}{state.total:,}" if known else ""
    left = ""
    if state.stopping:
        stage = text("app.stopping", language)
    elif known and state.seconds_left is not None:
        left = text("app.left", language, time=_time(state.seconds_left, language))
    value = f'aria-valuenow="{share * 100:.0f}" aria-valuemin="0" aria-valuemax="100"' if known else ""
    return (
        f'<div class="cs-stage"><b>{stage}</b><span>{count}</span><span class="cs-left">{left}</span></div>'
        f'<div class="cs-bar" role="progressbar" aria-label="{stage}" {value}>'
        f'<i style="width:{share * 100:.1f}%"></i></div>'
    )


def _time(seconds: float, language: Language) -> str:
    if seconds < 100:
        return say("app.seconds", language, count=f"{seconds:.0f}")
    return say("app.minutes", language, count=f"{seconds / 60:.0f}")


def result(state: State, language: Language, ground: Ground) -> str:
    """The figures of a finished training, its worst mistakes, and how to do the same by hand; else nothing."""
    if state.finished is None or state.order is None:
        return ""
    done, call = state.finished, state.order.call
    return (
        f'<section class="cs-result">{_headline(done.report, language)}{_figures(done, language)}'
        f"{_files(done, language, ground)}{_mistakes(done, language)}"
        f"{by_hand(call.command(), call.python(), language)}</section>"
    )


def _headline(report: Report, language: Language) -> str:
    low, high = report.top1_interval
    right = sum(row[index] for index, row in enumerate(report.confusion))
    commonest, share = majority(report)
    number, unit = escape(percent(report.top1)).rsplit(NO_BREAK, 1)
    aria = text("report.interval.aria", language, share=percent(report.top1), low=percent(low), high=percent(high))
    picture = interval(
        report.top1,
        low,
        high,
        (share, text("report.interval.baseline", language)),
        f'role="img" aria-label="{aria}"',
    )
    judged = text(f"report.verdict.{verdict(low, high, share)}", language, name=commonest, share=percent(share))
    few = ""
    if report.n < FEW:
        few = f"<p>{text('report.few', language, n=report.n, points=f'{(high - low) * 100:.0f}')}</p>"
    return (
        f"<h2>{text(f'report.split.{report.split}', language)}</h2>"
        f'<div class="cs-headline"><div><p class="cs-big">{number}<small>{NO_BREAK}{unit}</small></p>'
        f"<p>{text('report.right', language, right=f'{right:,}', total=f'{report.n:,}')}</p></div>"
        f'<div class="cs-range"><p>{text("report.interval", language, low=percent(low), high=percent(high))}</p>'
        f"{picture}</div></div><p>{judged}</p>{few}"
    )


def _figures(done: Finished, language: Language) -> str:
    figures = [(text(f"split.{part}", language), f"{count:,}") for part, count in done.parts.items()]
    figures.append((text("report.fact.model", language), name(done.report.model)))
    figures.append((text("report.fact.seconds", language), escape(_precisely(done.seconds, language))))
    pairs = "".join(f"<div><dt>{key}</dt><dd>{value}</dd></div>" for key, value in figures)
    return f'<dl class="cs-figures">{pairs}</dl>'


def _precisely(seconds: float, language: Language) -> str:
    return say("app.seconds", language, count=f"{seconds:.1f}") if seconds < 100 else _time(seconds, language)


def _files(done: Finished, language: Language, ground: Ground) -> str:
    page = f"../report/{quote(done.folder.name, safe='')}"
    return (
        f'<p class="cs-links"><a href="{page}" target="_blank" rel="noopener">{text("app.report.open", language)}</a>'
        f'<a href="{page}" download="{escape(done.folder.name)}.html">{text("app.report.save", language)}</a>'
        f"<span>{text('app.run', language)} <code>{escape(ground.shown(done.folder))}</code></span></p>"
    )


def _mistakes(done: Finished, language: Language) -> str:
    head = f"<h2>{text('report.mistakes', language)}</h2>"
    wrong = done.report.n - sum(row[index] for index, row in enumerate(done.report.confusion))
    if not wrong:
        return f"{head}<p>{text('report.mistakes.none', language, n=f'{done.report.n:,}')}</p>"
    shown = len(done.mistakes)
    cards = "".join(_card(mistake, language) for mistake in done.mistakes)
    return (
        f"{head}<p>{text('report.mistakes.note', language, shown=shown, total=f'{wrong:,}')}</p>"
        f'<ol class="cs-cards">{cards}</ol>'
    )


def _card(mistake: Mistake, language: Language) -> str:
    if mistake.jpeg is None:
        picture = f'<div class="cs-picture">{text("report.mistakes.missing", language)}</div>'
    else:
        alt = text("app.mistake.alt", language, file=mistake.file, true=mistake.true, predicted=mistake.predicted)
        picture = f'<div class="cs-picture"><img src="{_data(mistake.jpeg)}" alt="{alt}"></div>'
    return (
        f"<li>{picture}<dl><dt>{text('report.mistakes.predicted', language)}</dt>"
        f'<dd class="cs-miss">{name(mistake.predicted, MOST_OF_A_NAME)} '
        f"<span>{escape(percent(mistake.probability))}</span></dd>"
        f"<dt>{text('report.mistakes.true', language)}</dt>"
        f'<dd class="cs-hit">{name(mistake.true, MOST_OF_A_NAME)}</dd></dl>'
        f'<p class="cs-file">{name(mistake.file, MOST_OF_A_NAME)}</p></li>'
    )


def answers(answer: Answer, language: Language, model: str, picture: str | None) -> str:
    """The most probable classes as bars, the picture as the network saw it, and how to ask by hand.

    Args:
        answer: what is shown.
        language: of the texts.
        model: its path, as typed.
        picture: its file name, or None for a frame of the webcam.
    """
    rows = "".join(
        f"<li><span>{name(label, MOST_OF_A_NAME)}</span><span>{escape(percent(chance))}</span>"
        f"{bar(chance, 'hit' if place == 0 else 'plain')}</li>"
        for place, (label, chance) in enumerate(answer.top)
    )
    rest = answer.classes - len(answer.top)
    more = f'<p class="cs-more">{text("app.more_classes", language, count=f"{rest:,}")}</p>' if rest else ""
    alt = text("app.seen.alt", language)
    seen = (
        f'<figure class="cs-seen"><img src="{_data(answer.seen)}" alt="{alt}">'
        f"<figcaption>{text('app.seen', language, network=answer.network, size=answer.size)}</figcaption></figure>"
    )
    hand = by_hand(answer_command(model, picture), answer_python(model, picture), language) if picture else ""
    return f'<section class="cs-answers"><ol class="cs-bars">{rows}</ol>{more}{seen}{hand}</section>'


def by_hand(command: str, python: str, language: Language) -> str:
    """The command and the Python that do the same, to be copied."""
    return (
        f"<h2>{text('app.by_hand', language)}</h2>"
        f"{_snippet('app.command', command, language)}{_snippet('app.python', python, language)}"
    )


def _snippet(key: str, code: str, language: Language) -> str:
    title = text(key, language)
    copied = text("app.copied", language)
    return (
        f'<div class="cs-code"><div><span>{title}</span><button type="button" data-copy data-copied="{copied}" '
        f'aria-label="{title}: {text("app.copy", language)}">{text("app.copy", language)}</button></div>'
        f'<pre tabindex="0"><code>{escape(code)}</code></pre></div>'
    )


def _data(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode('ascii')}"
