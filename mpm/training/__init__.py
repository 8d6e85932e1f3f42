"""Training of the street segmenter: what one step sees (augment, batches), how it learns, what is kept."""
