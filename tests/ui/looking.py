"""What is measured in an open page: a program for the browser each, and what it answers."""

from __future__ import annotations

SHOWN = """
const shown = (element) => {
  const style = getComputedStyle(element);
  if (style.visibility === 'hidden') return false;
  for (let at = element; at; at = at.parentElement) {
    const of = getComputedStyle(at);
    if (of.display === 'none' || of.clipPath === 'inset(50%)') return false;
  }
  return true;
};
const texts = () => {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (node.data.trim() && !parent.closest('title, style') && shown(parent)) found.push(node);
  }
  return found;
};
"""

OVERLAPS = f"""() => {{ {SHOWN}
  const boxes = texts().flatMap((node) => {{
    const range = document.createRange();
    range.selectNodeContents(node);
    return [...range.getClientRects()].filter((box) => box.width > 1).map((box) => ({{box, node}}));
  }});
  boxes.sort((a, b) => a.box.top - b.box.top);
  const found = [];
  boxes.forEach((one, place) => {{
    for (let next = place + 1; next < boxes.length && boxes[next].box.top < one.box.bottom - 3; next++) {{
      const other = boxes[next];
      const across = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const down = Math.min(one.box.bottom, other.box.bottom) - other.box.top;
      if (one.node !== other.node && across > 1 && down > 3) found.push([one.node.data, other.node.data]);
    }}
  }});
  return found;
}}"""
"""Pairs of texts that lie on each other by more than the leading between two lines."""

OUTSIDE = f"""() => {{ {SHOWN}
  const width = document.documentElement.clientWidth;
  return [...document.querySelectorAll('body *')]
    .filter((element) => shown(element) && !element.closest('svg svg'))
    .filter((element) => {{
      const box = element.getBoundingClientRect();
      return box.width && (box.right > width + 0.5 || box.left < -0.5);
    }})
    .map((element) => element.outerHTML.slice(0, 120))
    .concat(document.documentElement.scrollWidth > width ? ['the page itself'] : []);
}}"""
"""Elements that reach beyond the screen to either side."""

FAINT = f"""() => {{ {SHOWN}
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {{
    const [red, green, blue] = parts(colour).slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }};
  const paper = (element) => {{
    for (let at = element; at; at = at.parentElement) {{
      const colour = getComputedStyle(at).backgroundColor;
      if ((parts(colour)[3] ?? 1) > 0) return colour;
    }}
    return 'rgb(255, 255, 255)';
  }};
  const contrast = (one, other) => {{
    const [dim, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dim + 0.05);
  }};
  const found = texts().map((node) => [node.parentElement, getComputedStyle(node.parentElement).color, 4.5]);
  for (const mark of document.querySelectorAll('.key, .bar i, .did, .dot')) {{
    found.push([mark, getComputedStyle(mark).backgroundColor, 3]);
  }}
  for (const stroke of document.querySelectorAll('.line, .forecast')) {{
    found.push([stroke, getComputedStyle(stroke).stroke, 3]);
  }}
  for (const filled of document.querySelectorAll('.stack')) {{
    found.push([filled, getComputedStyle(filled).fill, 3]);
  }}
  return {{
    looked: found.length,
    faint: found
      .map(([element, colour, least]) => {{
        const behind = paper(least > 3 ? element : element.parentElement);
        return [element.outerHTML.slice(0, 90), contrast(colour, behind), least];
      }})
      .filter(([, measured, least]) => measured < least),
  }};
}}"""
"""How many texts and marks there are, and those whose contrast is below 4.5 : 1 and 3 : 1 (WCAG 2.2, AA)."""

CENSUS = """() => [...document.querySelectorAll('*')].map((element) =>
  [element.tagName, ...[...element.attributes].map((attribute) => attribute.name).sort()].join(' '))"""
"""Every element with the names of its attributes, in order."""

CUT = """(height) => [...document.querySelectorAll('figure, tr, .budget, .headline')]
  .filter((element) => {
    const box = element.getBoundingClientRect();
    return box.height > height || getComputedStyle(element).breakInside !== 'avoid';
  })
  .map((element) => element.outerHTML.slice(0, 120))"""
"""What a page of paper of this height would cut."""
