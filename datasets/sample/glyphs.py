# SPDX-License-Identifier: Apache-2.0
"""Draws the bundled sample data: 16 stroke glyphs under heavy distortion, 32x32 RGB uint8.

Every glyph is defined here by straight strokes, arcs and a spiral in the square [-1,1]^2; no
font and no other data set is involved. The same (seed, count) always gives the same images.
"""

import numpy as np

SIZE = 32
LEVELS = 12  # tones per image: keeps the gzip-compressed files small
MAX_SEGMENTS = 28


def _poly(*points):
    return list(zip(points[:-1], points[1:]))


def _arc(cx, cy, r, start, stop, steps):
    """Circle arc in degrees as `steps` straight segments."""
    t = np.radians(np.linspace(start, stop, steps + 1))
    return _poly(*[(cx + r * np.cos(a), cy + r * np.sin(a)) for a in t])


def _spiral():
    t = np.linspace(0.0, 3.6 * np.pi, 27)
    return _poly(*[((0.08 + 0.078 * a) * np.cos(a), (0.08 + 0.078 * a) * np.sin(a)) for a in t])


def _star():
    corner = [(0.95 * np.sin(k * 0.8 * np.pi), -0.95 * np.cos(k * 0.8 * np.pi)) for k in range(6)]
    return _poly(*corner)


# Coordinates are (x, y) with y pointing down.
GLYPHS = {
    "ring": _arc(0, 0, 0.85, 0, 360, 20),
    "gap_ring": _arc(0, 0, 0.85, -60, 240, 18),
    "square": _poly((-.8, -.8), (.8, -.8), (.8, .8), (-.8, .8), (-.8, -.8)),
    "open_square": _poly((-.8, -.8), (-.8, .8), (.8, .8), (.8, -.8)),
    "triangle": _poly((0, -.9), (.9, .75), (-.9, .75), (0, -.9)),
    "chevron": _poly((-.85, .6), (0, -.7), (.85, .6)),
    "cross": _poly((-.9, 0), (.9, 0)) + _poly((0, -.9), (0, .9)),
    "tee": _poly((-.85, -.8), (.85, -.8)) + _poly((0, -.8), (0, .9)),
    "arrow": _poly((0, .9), (0, -.9)) + _poly((-.6, -.3), (0, -.9), (.6, -.3)),
    "fork": _poly((0, .9), (0, -.1)) + _poly((-.7, -.9), (0, -.1), (.7, -.9)),
    "hook": _poly((.45, -.9), (.45, .3)) + _arc(-.05, .3, .5, 0, 180, 12),
    "zigzag": _poly((-.8, -.8), (.8, -.8), (-.8, .8), (.8, .8)),
    "hourglass": _poly((-.7, -.85), (.7, -.85), (-.7, .85), (.7, .85), (-.7, -.85)),
    "ladder": _poly((-.55, -.9), (-.55, .9)) + _poly((.55, -.9), (.55, .9))
              + _poly((-.55, -.35), (.55, -.35)) + _poly((-.55, .35), (.55, .35)),
    "spiral": _spiral(),
    "star": _star(),
}
CLASSES = list(GLYPHS)


def _segment_table():
    """[classes, MAX_SEGMENTS, 4] of x0 y0 x1 y1; short glyphs repeat their last stroke."""
    table = np.empty((len(CLASSES), MAX_SEGMENTS, 4), np.float32)
    for k, name in enumerate(CLASSES):
        rows = [(*p, *q) for p, q in GLYPHS[name]]
        table[k] = (rows + [rows[-1]] * MAX_SEGMENTS)[:MAX_SEGMENTS]
        assert len(rows) <= MAX_SEGMENTS
    return table


_SEGMENTS = _segment_table()


def _distance(px, py, seg):
    """Distance of points [n,p] to the nearest of the segments [n,s,4], as [n,p]."""
    best = np.full(px.shape, np.inf, np.float32)
    for s in range(seg.shape[1]):
        x0, y0, x1, y1 = (seg[:, s, i, None] for i in range(4))
        dx, dy = x1 - x0, y1 - y0
        t = ((px - x0) * dx + (py - y0) * dy) / (dx * dx + dy * dy + 1e-6)
        t = np.clip(t, 0.0, 1.0)
        best = np.minimum(best, (px - x0 - t * dx) ** 2 + (py - y0 - t * dy) ** 2)
    return np.sqrt(best)


def _glyph_coverage(rng, labels, gx, gy):
    """Ink coverage [n,p] of the glyphs after rotation, shear, scaling, shift and a wave."""
    n = len(labels)
    angle = np.radians(rng.uniform(-38, 38, (n, 1)))
    shear = rng.uniform(-0.45, 0.45, (n, 1))
    sx, sy = rng.uniform(6.0, 12.5, (2, n, 1))
    cx, cy = 15.5 + rng.uniform(-5.0, 5.0, (2, n, 1))
    wave, phase = rng.uniform(0.0, 0.16, (n, 1)), rng.uniform(0, 2 * np.pi, (n, 1))
    x, y = gx - cx, gy - cy
    u = (np.cos(angle) * x + np.sin(angle) * y) / sx
    v = (-np.sin(angle) * x + np.cos(angle) * y) / sy
    u = u + shear * v + wave * np.sin(3.0 * v + phase)
    v = v + wave * np.sin(3.0 * u + phase)
    d = _distance(u.astype(np.float32), v.astype(np.float32), _SEGMENTS[labels])
    width = rng.uniform(0.5, 1.5, (n, 1))  # half the stroke, in pixels
    return np.clip(width + 0.5 - d * np.minimum(sx, sy), 0.0, 1.0)


def _clutter_coverage(rng, n, gx, gy):
    """Coverage [n,p] of up to five stray strokes that mean nothing."""
    start = rng.uniform(-2, 34, (n, 5, 2))
    heading = rng.uniform(0, 2 * np.pi, (n, 5))
    length = rng.uniform(3, 13, (n, 5)) * (rng.random((n, 5)) < 0.6)
    stop = start + np.stack([np.cos(heading), np.sin(heading)], -1) * length[..., None]
    stop = np.where(length[..., None] > 0, stop, -50.0)
    start = np.where(length[..., None] > 0, start, -50.0)
    seg = np.concatenate([start, stop], -1).astype(np.float32)
    width = rng.uniform(0.3, 1.1, (n, 1))
    return np.clip(width + 0.5 - _distance(gx, gy, seg), 0.0, 1.0)


def _erase(rng, cover, gx, gy):
    """Wipes a random box out of the ink of about half of the images."""
    n = len(cover)
    bx, by = rng.uniform(4, 28, (2, n, 1))
    half_w, half_h = rng.uniform(1.0, 4.0, (2, n, 1)) * (rng.random((n, 1)) < 0.5)
    return np.where((abs(gx - bx) < half_w) & (abs(gy - by) < half_h), 0.0, cover)


def _colour(rng, tone):
    """Maps tones [n,p] in [0,1] to RGB on a ramp between two random colours: [n,p,3] uint8."""
    n = len(tone)
    centre = rng.uniform(70, 185, (n, 1, 3))
    direction = rng.normal(size=(n, 1, 3))
    direction /= np.abs(direction).max(-1, keepdims=True)
    contrast = np.exp(rng.uniform(np.log(20.0), np.log(70.0), (n, 1, 1)))
    step = np.round(tone * (LEVELS - 1)) / (LEVELS - 1)
    rgb = centre + direction * contrast * (2.0 * step[..., None] - 1.0)
    return np.clip(np.round(rgb), 0, 255).astype(np.uint8)


def _batch(rng, n):
    labels = rng.integers(0, len(CLASSES), n)
    gy, gx = np.mgrid[0:SIZE, 0:SIZE].reshape(2, 1, -1).astype(np.float32).repeat(n, 1)
    ink = _erase(rng, _glyph_coverage(rng, labels, gx, gy), gx, gy)
    clutter = _clutter_coverage(rng, n, gx, gy) * rng.uniform(0.5, 1.0, (n, 1))
    slope = rng.uniform(-0.012, 0.012, (2, n, 1))
    ground = slope[0] * (gx - 15.5) + slope[1] * (gy - 15.5)
    noise = rng.uniform(0.02, 0.20, (n, 1)) * rng.normal(size=ink.shape)
    tone = 0.25 + 0.5 * np.maximum(ink, clutter) + ground + noise
    rgb = _colour(rng, np.clip(tone, 0.0, 1.0))
    return rgb.reshape(n, SIZE, SIZE, 3), labels.astype(np.int64)


def draw(seed, count):
    """Returns images uint8 [count,32,32,3] (RGB) and labels int64 [count]."""
    rng = np.random.Generator(np.random.PCG64(seed))
    parts = [_batch(rng, min(256, count - at)) for at in range(0, count, 256)]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
