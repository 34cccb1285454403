"""The Gradio app: one file per tab, shared pieces once.

- :mod:`harmony.ui.app` puts the page together and starts it;
- :mod:`harmony.ui.joint`, :mod:`~harmony.ui.audio_driven`, :mod:`~harmony.ui.video_driven`,
  :mod:`~harmony.ui.compare`, :mod:`~harmony.ui.history` and :mod:`~harmony.ui.about` are the tabs;
- :mod:`harmony.ui.controls` holds the pieces that tabs share, :mod:`harmony.ui.theme` the look;
- :mod:`harmony.ui.model` keeps the one resident model, :mod:`harmony.ui.studio` serves a press of the button.
"""
