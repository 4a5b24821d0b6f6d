"""Concentration (S10, 二八原理): how much of the book's value few customers carry, by a stated measure; as figures and as a picture."""
