"""Pages for people: HTML made of templates, with one stylesheet and no script."""
