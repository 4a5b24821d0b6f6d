"""Members of staff (C18). A power role, and whoever holds one, is changed by two people (D19): the answer is then a proposal."""
