listener = [1, {tcp = 2}]
ui = {}
event_loops = 1e99
