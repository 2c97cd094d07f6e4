"""Pages about the whole plan: 推演, 方案, 方案体检, 整改; a module each, every view a ``town_page``."""
