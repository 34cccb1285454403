"""Training: the codecs, latent batches, cross-task losses, the three stages, and export."""
