"""What a file is, whether it may come in, and how it is shown: judged by content, in a short process of its own.

`types` is the table, `recognise` and `names` read content, `judge` and what it calls say no, `pictures` and `pdf` draw. All of
that runs in `child`, which `workshop` starts with limits on time and memory. `traces` and `previews` are for whoever looks at a
file later.
"""
