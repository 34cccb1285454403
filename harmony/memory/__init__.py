"""Big models on small cards: what fits, what it costs, and how it is set up.

- :mod:`harmony.memory.quantize`: linear layers in 8 or 4 bits;
- :mod:`harmony.memory.track`: bytes and operations of a forward pass, counted on the code itself, without its memory;
- :mod:`harmony.memory.work`: what models need while they work;
- :mod:`harmony.memory.parts`: what the parts of a checkpoint weigh and need;
- :mod:`harmony.memory.planner`: which settings fit a card;
- :mod:`harmony.memory.opening`: a pipeline opened as planned;
- :mod:`harmony.memory.card`: the card of this machine;
- :mod:`harmony.memory.choice`: a pipeline opened as this machine allows, or as somebody wants it;
- :mod:`harmony.memory.command`: ``harmony plan``.
"""
