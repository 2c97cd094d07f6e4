"""Our own line icons and the six land grounds, drawn on a 24 px grid and sent once per page as a sprite.

Shapes carry meaning beside the words (a state is never colour alone): round tick done, round arrow on track, triangle
at risk, square clock overdue, octagon out of reach, dashed ring no data.
"""

from django.utils.safestring import SafeString, mark_safe

ICONS = {
    # places in the product
    "overview": '<path d="M3 20h18M5 20v-7h4v7M10 20V5h4v15M15 20v-10h4v10"/>',
    "whatif": '<path d="M4 18c5 0 5-11 10-11h6M16 3l4 4-4 4M14 17h6"/>',
    "plan": '<path d="M6 3h9l4 4v14H6zM15 3v4h4M9 12h7M9 16h5"/>',
    "parcel": '<path d="M3 8l6-3 6 3 6-3v12l-6 3-6-3-6 3zM9 5v12M15 8v12"/>',
    "issue": '<path d="M12 3l9 16H3zM12 10v4M12 16.6v.2"/>',
    "form": '<path d="M5 3h14v18H5zM9 3v18M5 9h14M5 15h14"/>',
    "accept": '<path d="M4 12l5 5L20 6"/>',
    "money": '<path d="M6 4l6 8 6-8M7 12h10M7 16h10M12 12v8"/>',
    "bulletin": '<path d="M4 10v4l10 5V5zM14 9c2 0 3 1.2 3 3s-1 3-3 3M7 15v5h3"/>',
    "alert": '<path d="M6 17V11a6 6 0 0112 0v6l2 2H4zM10 21h4"/>',
    "district": '<path d="M12 3v5M5 13v-2h14v2M12 8v5M3 13h4v5H3zM10 13h4v5h-4zM17 13h4v5h-4z"/>',
    "system": '<path d="M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4"/>',
    "job": '<path d="M4 12a8 8 0 0114-5.3L20 9M20 4v5h-5M20 12a8 8 0 01-14 5.3L4 15M4 20v-5h5"/>',
    "village": '<path d="M3 11l9-7 9 7M6 9v11h12V9M10 20v-6h4v6"/>',
    "user": '<circle cx="12" cy="8" r="4"/><path d="M4 21c0-5 4-7 8-7s8 2 8 7"/>',
    # acts
    "chevron": '<path d="M6 9l6 6 6-6"/>',
    "clock": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5.5l3.5 2"/>',
    "calendar": '<path d="M4 6h16v14H4zM4 10h16M8 3v5M16 3v5"/>',
    "down": '<path d="M12 4v11M7 11l5 5 5-5M4 20h16"/>',
    "up": '<path d="M12 16V5M7 9l5-5 5 5M4 20h16"/>',
    "close": '<path d="M6 6l12 12M18 6L6 18"/>',
    "back": '<path d="M9 6L4 11l5 5M4 11h10a6 6 0 016 6v2"/>',
    "lock": '<path d="M6 11h12v9H6zM9 11V8a3 3 0 016 0v3"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "minus": '<path d="M5 12h14"/>',
    "fit": '<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/>',
    "print": '<path d="M7 9V3h10v6M7 17H4V9h16v8h-3M7 14h10v7H7z"/>',
    "search": '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5L21 21"/>',
    "edit": '<path d="M4 20h4L20 8l-4-4L4 16zM13 7l4 4"/>',
    "link": '<path d="M9 15l6-6M11 6l2-2a4.2 4.2 0 016 6l-2 2M13 18l-2 2a4.2 4.2 0 01-6-6l2-2"/>',
    "logout": '<path d="M14 4H5v16h9M10 12h11M17 8l4 4-4 4"/>',
    "camera": '<path d="M4 8h4l2-3h4l2 3h4v11H4z"/><circle cx="12" cy="13" r="3.5"/>',
    "queue": '<path d="M7 3h10M7 21h10M8 3c0 5 8 5 8 9s-8 4-8 9M16 3c0 5-8 5-8 9s8 4 8 9"/>',
    "sent": '<path d="M2 13l4 4 8-9M10 16l1.5 1L20 8"/>',
    "outbox": '<path d="M4 13h4l2 3h4l2-3h4M4 13l3-8h10l3 8v6H4z"/>',
    "offline": '<path d="M4 20v-3M9 20v-6M14 20v-6M19 20V7M4 4l17 17"/>',
    "note": '<circle cx="12" cy="12" r="9"/><path d="M12 11v6M12 7.5v.2"/>',
    # states
    "met": '<circle cx="12" cy="12" r="9" fill="currentColor" stroke="none"/>'
    '<path d="M7.5 12.2l3 3 6-6.4" stroke="#fff" stroke-width="2.2"/>',
    "track": '<circle cx="12" cy="12" r="8.5"/><path d="M9 8l5 4-5 4z" fill="currentColor"/>',
    "risk": '<path d="M12 3.5L22 20.5H2z" fill="currentColor" stroke-width="1"/>'
    '<path d="M12 9.5v5M12 17.2v.3" stroke="#fff" stroke-width="2"/>',
    "overdue": '<rect x="3" y="3" width="18" height="18" rx="3" fill="currentColor" stroke="none"/>'
    '<path d="M12 7v5.5l3.5 2" stroke="#fff" stroke-width="2"/>',
    "broken": '<path d="M8 2.5h8l5.5 5.5v8L16 21.5H8L2.5 16V8z" fill="currentColor" stroke="none"/>'
    '<path d="M8 8l8 8M16 8l-8 8" stroke="#fff" stroke-width="2.2"/>',
    "none": '<circle cx="12" cy="12" r="8.5" stroke-dasharray="3 3"/>',
}

LOGO = (
    '<symbol id="i-logo" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="currentColor" stroke="none"/>'
    '<path d="M5 12c6-5 16-5 22 0M5 18c6-5 16-5 22 0M5 24c6-5 16-5 22 0" fill="none" stroke="#fff" '
    'stroke-width="2.4" stroke-linecap="round"/><path d="M16 8v18.5" stroke="#fff" stroke-width="2.4"/></symbol>'
)

# Certainty as ground: dots, furrows, pale rows, mid-green rows; solid green is 已认定, cross-hatch 不可整改.
GROUNDS = (
    '<pattern id="t-evidenced" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="g-evidenced" width="5" height="5"/><path class="p-evidenced" d="M0 0V5"/></pattern>'
    '<pattern id="t-planted" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">'
    '<rect class="g-planted" width="5" height="5"/><path class="p-planted" d="M0 0V5"/></pattern>'
    '<pattern id="t-ploughed" width="8" height="5" patternUnits="userSpaceOnUse">'
    '<rect class="g-ploughed" width="8" height="5"/><path class="p-ploughed" d="M0 3.5Q2 1.5 4 3.5T8 3.5"/></pattern>'
    '<pattern id="t-planned" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect class="g-planned" width="6" height="6"/><circle class="p-planned" cx="1.5" cy="1.5" r=".9"/>'
    '<circle class="p-planned" cx="4.5" cy="4.5" r=".9"/></pattern>'
    '<pattern id="t-dead" width="7" height="7" patternUnits="userSpaceOnUse">'
    '<rect class="g-dead" width="7" height="7"/><path class="p-dead" d="M0 0L7 7M7 0L0 7"/></pattern>'
)


def sprite() -> SafeString:
    """Every icon as a symbol and every ground as a pattern: the hidden drawing each page starts with."""
    symbols = "".join(f'<symbol id="i-{name}" viewBox="0 0 24 24">{shape}</symbol>' for name, shape in ICONS.items())
    return mark_safe(  # constants of this module only
        '<svg class="sprite" aria-hidden="true" focusable="false" width="0" height="0"><defs>'
        f"{LOGO}{symbols}{GROUNDS}</defs></svg>"
    )
