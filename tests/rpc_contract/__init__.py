"""Requirements on every call, tested in every environment: memory, the embedded server, the server at LIVEKIT_URL.

Tests are named after the number of the rule they prove, `test_row_NN_…`; the rules are in docs/conformance.md. The
cores' own tests of the same rules are in tests/rpc.
"""
