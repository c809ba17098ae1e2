"""One certificate: what each equality came to, whether its signature is true, and the rows behind one that fails."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.audit import Subject
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Note, Table, Told, show_document
from chassis.console.timeline import moments_of
from chassis.console.wording import counted
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.certifying import Certifier
from services.billing.domain.certificate import Outcome, SignatureState, Verdict
from services.billing.domain.signing import verify
from services.billing.http.certificates import EqualityName, post_certificate
from services.billing.pages.certificates import MONEY, PATH, ROOM, STATES, TONES, state_of
from services.billing.pages.differences import STRIPE
from services.billing.pages.offenders import amount, doors_of, offenders_table
from services.billing.queries import certificates
from services.billing.queries.books import ALL
from services.billing.queries.certificates import KeptCertificate
from services.billing.queries.equalities import About

VERBS = {"certify_books": "took it"}
OUTCOMES = {Outcome.HOLDS: "Holds", Outcome.FAILS: "Does not hold", Outcome.NOT_COMPARED: "Not compared"}
OUTCOME_TONES = {Outcome.HOLDS: "positive", Outcome.FAILS: "danger", Outcome.NOT_COMPARED: "warning"}
SIGNATURES = {
    SignatureState.VALID: ("Signed, and as it was given", "positive"),
    SignatureState.UNSIGNED: ("Unsigned: no key is set", "warning"),
    SignatureState.ALTERED: ("Altered since it was given", "danger"),
    SignatureState.OTHER_KEY: ("Signed by another key", "warning"),
}


class CertifyForm(Form):
    """Nothing but the session's mark."""


@page_at(PATH + "/new", Capability.READ_OPS)
async def show_new_certificate(
    request: Request[Any, Any, Any], console: Given[Console], operator: Given[Operator]
) -> Response[str]:
    document = Document(
        title="Certify the books",
        room=ROOM,
        up=("Certificates", PATH),
        sentence=f"{len(ALL)} equalities are looked at in one snapshot, and what they come to is kept.",
        actions=[_certify(operator)],
        timeline=None,
    )
    return show_document(console, request, document)


@form_at(PATH, MONEY)
async def certify_by_form(
    data: JSONBody[CertifyForm],
    console: Given[Console],
    database: Given[Database],
    certifier: Given[Certifier],
    operator: Given[Operator],
) -> Redirect:
    taken = await post_certificate.fn(certifier, database, operator)
    return console.redirect(f"{PATH}/{taken.id}?done=certify")


def _certify(operator: Operator) -> Action:
    return Action(
        "certify",
        "Certify the books",
        PATH,
        effect="Compares all of the books as they are now. It takes a moment, and changes nothing.",
        done="Certified",
        is_primary=True,
        **refused(operator, MONEY),
    )


@page_at(PATH + "/{certificate_id:uuid}", Capability.READ_OPS)
async def show_certificate(
    certificate_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    certifier: Given[Certifier],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        kept = await certificates.find(session, certificate_id)
        moments = await moments_of(session, [Subject("certificate", certificate_id)], VERBS, console.wording)
    certificate = kept.certificate
    state = state_of(certificate)
    document = Document(
        title=f"Certificate of {console.wording.exact(certificate.as_of)}",
        room=ROOM,
        up=("Certificates", PATH),
        states=(chip(STATES[state], TONES[state]), _signature_chip(kept, certifier)),
        sentence=_sentence(kept),
        notes=_notes(kept),
        facts=_facts(kept),
        actions=[_certify(operator)],
        sections=[_equalities(kept)],
        links=[("Trial balance", "/console/journal/trial-balance")],
        timeline=moments,
    )
    return show_document(console, request, document, done)


def _signature_chip(kept: KeptCertificate, certifier: Certifier) -> Any:
    state = verify(kept.statement, kept.certificate.sha256, kept.signature, certifier.signer)
    return chip(*SIGNATURES[state])


def _sentence(kept: KeptCertificate) -> str:
    certificate = kept.certificate
    held = certificate.equality_count - certificate.failed_count - certificate.not_compared_count
    more = f", {certificate.not_compared_count} could not be compared" if certificate.not_compared_count else ""
    return f"{held} of {certificate.equality_count} equalities hold in one snapshot of the books{more}."


def _notes(kept: KeptCertificate) -> list[Note]:
    wrong = [verdict for verdict in kept.verdicts if verdict.outcome is Outcome.FAILS]
    if not wrong:
        return []
    items = [(ALL[verdict.name].title, _path(kept, verdict)) for verdict in wrong]
    title = counted(len(wrong), "equality does not hold", "equalities do not hold")
    return [Note(title, "Tell the platform's keepers: nothing an operator does brings this about.", "danger", items)]


def _facts(kept: KeptCertificate) -> list[Fact]:
    certificate = kept.certificate
    return [
        Fact("As of", Shown(certificate.as_of, Kind.INSTANT)),
        Fact("Taken", Shown(certificate.taken_at, Kind.INSTANT)),
        Fact("Taken by", certificate.taken_by_name),
        Fact("SHA-256", Shown(certificate.sha256, Kind.ID)),
        Fact("Signed by key", Shown(certificate.key_id, Kind.ID)),
        Fact("Certificate id", Shown(str(certificate.id), Kind.ID)),
    ]


def _equalities(kept: KeptCertificate) -> Table:
    heads = (
        ("Equality", Kind.TEXT),
        ("State", Kind.CHIP),
        ("Left", Kind.MONEY),
        ("Right", Kind.MONEY),
        ("Rows", Kind.NUMBER),
        ("Differ", Kind.NUMBER),
    )
    rows = [_equality(kept, verdict) for verdict in kept.verdicts]
    note = "Amounts are AUD. Open an equality to see what its two sides are, and the rows that differ."
    return Table("Equalities", heads, rows, note=note)


def _equality(kept: KeptCertificate, verdict: Verdict) -> Sequence[Told]:
    path = _path(kept, verdict)
    return (
        Shown(ALL[verdict.name].title, path=path),
        chip(OUTCOMES[verdict.outcome], OUTCOME_TONES[verdict.outcome]),
        amount(verdict.left, verdict.unit),
        amount(verdict.right, verdict.unit),
        Shown(verdict.compared_count, Kind.NUMBER),
        Shown(verdict.offender_count, Kind.NUMBER, path=path if verdict.offender_count else ""),
    )


def _path(kept: KeptCertificate, verdict: Verdict) -> str:
    return f"{PATH}/{kept.certificate.id}/{verdict.name}"


@page_at(PATH + "/{certificate_id:uuid}/{name:str}", Capability.READ_OPS)
async def show_equality(
    certificate_id: FromPath[UUID],
    name: EqualityName,
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
) -> Response[str]:
    async with database.reading() as session:
        kept, verdict = await certificates.verdict_of(session, certificate_id, name)
        said = ALL[name]
        doors = await doors_of(session, said.about, verdict.offenders)
    document = Document(
        title=said.title,
        room=ROOM,
        up=("Certificate", f"{PATH}/{certificate_id}"),
        states=(chip(OUTCOMES[verdict.outcome], OUTCOME_TONES[verdict.outcome]),),
        sentence=f"As of {console.wording.exact(kept.certificate.as_of)}: {_compared(verdict)}.",
        facts=[
            Fact(said.left, amount(verdict.left, verdict.unit)),
            Fact(said.right, amount(verdict.right, verdict.unit)),
            Fact("Difference", amount(verdict.left - verdict.right, verdict.unit)),
            Fact("Name", Shown(verdict.name, Kind.ID)),
        ],
        sections=[offenders_table(said, verdict, doors)],
        links=[("Compare with Stripe", STRIPE)] if said.about is About.STRIPE else [],
        timeline=None,
    )
    return show_document(console, request, document)


def _compared(verdict: Verdict) -> str:
    if verdict.outcome is Outcome.NOT_COMPARED:
        return "nothing was compared with Stripe in the day before it"
    rows = counted(verdict.compared_count, "row was compared", "rows were compared")
    return (
        f"{rows}, {counted(verdict.offender_count, 'differs', 'differ') if verdict.offender_count else 'none differs'}"
    )


ROUTES = (show_new_certificate, certify_by_form, show_certificate, show_equality)
