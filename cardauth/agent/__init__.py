"""The card agent `qingling-card-agent`: a program on the user's PC between the pages of named sites and the card in
the reader.

It listens on this machine alone, asks for the PIN in a window of its own and talks to the card (PKCS#11) in a process
of its own for each request. It imports nothing of the server: it is installed without it.
"""
