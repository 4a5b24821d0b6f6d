"""The small replica of customers that staff's lists need: who they are, in whose book. Names are opened from the sealed snapshot."""
