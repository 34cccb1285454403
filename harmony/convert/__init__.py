"""Public weights as folders that we open: ``harmony convert``.

- :mod:`harmony.convert.ovi`: Ovi's released files as a whole pipeline, and a transformer back in Ovi's names;
- :mod:`harmony.convert.wan`: Wan2.2 as the start of a training;
- :mod:`harmony.convert.parts`: codecs and text encoder;
- :mod:`harmony.convert.fetch`: files at hand, or from the hub;
- :mod:`harmony.convert.staging`: all of a folder, or nothing;
- :mod:`harmony.convert.licenses`: what the weights' licences are, where a reader will see it;
- :mod:`harmony.convert.command`: the commands.
"""
