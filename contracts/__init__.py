"""Waybill on the wire: topics, typed events, the CloudEvents envelope. No I/O; needs pydantic alone."""
