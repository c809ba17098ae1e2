"""An SMTP server that keeps what it accepts and shows it, and refuses, defers, delays or hangs up when told to.

`python -m deploy.local.smtp_sink --smtp-port N --http-port M [--account USER:PASSWORD ...]`

Over HTTP:

    GET    /                                   the mailbox for people
    GET    /messages?to=&subject=&limit=       newest first: {"total": n, "messages": [...]}; `to` is an address,
                                               `subject` a part of one
    GET    /messages/{id}                      with headers, text, html and the list of attachments
    GET    /messages/{id}/raw                  as it came over the wire
    GET    /messages/{id}/attachments/{n}      from 0
    DELETE /messages                           empties the mailbox
    POST   /control/faults                     what goes wrong from now on: see `faults.Fault`
    GET    /control/faults    DELETE /control/faults
    PUT    /control/listening {"listening": false}     the server is away: connections are refused
    PUT    /control/accounts/{user} {"password": "..."}    DELETE /control/accounts/{user}
    GET    /health/ready

Where there is an account, senders must sign in (SMTP AUTH) before they may send.
"""
