"""What can be said of a shaped model beside its shapes: pixels, sizes, folded rows, comparisons."""
