"""What a mail server sends back for a mail that it could not deliver after all."""

RETURNED = "Received: from mx.example.test\nMessage-ID: {header_id}\nSubject: A new lead\nTo: leads@southernsun.example"


def notification(header_id: str = "<nobody@elsewhere.example>", **changes: str) -> bytes:
    """As a mail server writes it, with the headers of what it could not deliver."""
    said = {"action": "failed", "status": "5.1.1", "envelope": "", "returned": RETURNED} | changes
    envelope = f"Original-Envelope-Id: {said['envelope']}\n" if said["envelope"] else ""
    return f"""From: MAILER-DAEMON@mx.example.test
To: no-reply@waybill.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_b"

--=_b
Content-Type: text/plain; charset=us-ascii

I am sorry, but leads@southernsun.example has no mailbox here.

--=_b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.test
{envelope}
Final-Recipient: rfc822; leads@southernsun.example
Action: {said["action"]}
Status: {said["status"]}
Diagnostic-Code: smtp; 550 5.1.1 <leads@southernsun.example> unknown

--=_b
Content-Type: text/rfc822-headers

{said["returned"].format(header_id=header_id)}

--=_b--
""".encode()
