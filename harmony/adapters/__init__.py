"""Public weights in our model: exact maps of names, both ways, and conversion tensor by tensor.

- :mod:`harmony.adapters.keymap`: a strict map between two sets of names;
- :mod:`harmony.adapters.wan`: Wan2.2-TI2V-5B, in its own names and in diffusers', as the video stream;
- :mod:`harmony.adapters.ovi`: Ovi's released files, there and back;
- :mod:`harmony.adapters.mmaudio`: MMAudio's 16 kHz VAE and vocoder;
- :mod:`harmony.adapters.source`: checkpoints read one tensor at a time, 8-bit floats included;
- :mod:`harmony.adapters.writer`: safetensors shards written one at a time;
- :mod:`harmony.adapters.families`: which checkpoint this is;
- :mod:`harmony.adapters.transformer`: all of it together, for the transformer.
"""
