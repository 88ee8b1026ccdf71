"""Signatures and allowed signers, compared with OpenSSH and git themselves."""
