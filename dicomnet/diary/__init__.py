"""The association diary: collected in memory while an association lasts, written when it is over."""
