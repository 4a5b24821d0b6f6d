"""Client systems (D19): programs that call for themselves, apart from staff, each bound to the sources for which it speaks.

Letting one in, or giving it more, is decided by two people; taking from it is not.
"""
