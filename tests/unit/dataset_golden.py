"""Writes dataset_golden.h: pixels as Pillow 13.0 decodes and resizes them.
Run: python3 dataset_golden.py > dataset_golden.h (needs Pillow and numpy; the tests do not)."""
import io
import numpy as np
from PIL import Image


def picture(w, h, c, seed):
    """The same numbers as golden_picture() of the test: a linear congruential generator."""
    state = seed
    out = np.empty(w * h * c, np.uint8)
    for i in range(out.size):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = state >> 24
    out = out.reshape(h, w, c)
    return out[:, :, 0] if c == 1 else out


def array(name, data):
    print(f"static const uint8_t {name}[] = {{")
    data = list(data)
    for i in range(0, len(data), 18):
        print("    " + " ".join(f"{v}," for v in data[i:i + 18]))
    print("};")


def resize_cases():
    sizes = [(7, 5, 3, 4), (5, 7, 11, 13), (1, 1, 4, 3), (40, 2, 3, 3), (13, 1, 2, 5), (64, 48, 8, 6),
             (9, 9, 9, 4), (9, 9, 4, 9), (2, 90, 5, 3), (6, 6, 6, 6), (10, 60, 5, 30), (20, 30, 10, 15)]
    filters = [("NEAREST", Image.NEAREST), ("BILINEAR", Image.BILINEAR), ("BICUBIC", Image.BICUBIC)]
    rows = []
    n = 0
    for w, h, ow, oh in sizes:
        for c in (1, 3):
            for name, f in filters:
                seed = 12345 + n
                im = Image.fromarray(picture(w, h, c, seed))
                out = np.asarray(im.resize((ow, oh), f))
                array(f"resize_{n}", out.reshape(-1))
                rows.append(f"    {{{w}, {h}, {c}, {seed}u, {ow}, {oh}, NNC_RESAMPLE_{name}, resize_{n}}},")
                n += 1
    print("static const golden_resize resize_cases[] = {")
    print("\n".join(rows))
    print("};")


def smooth(w, h, c):
    y, x = np.mgrid[0:h, 0:w]
    planes = [(x * 11 + y * 5 + 37 * k) % 256 for k in range(c)]
    out = np.stack(planes, -1).astype(np.uint8)
    return out[:, :, 0] if c == 1 else out


def jpeg_cases():
    cases = [("420", 3, dict(quality=80, subsampling=2)), ("444", 3, dict(quality=90, subsampling=0)),
             ("422", 3, dict(quality=75, subsampling=1)), ("gray", 1, dict(quality=80)),
             ("progressive", 3, dict(quality=80, progressive=True)), ("cmyk", 4, dict(quality=85))]
    rows = []
    for name, c, options in cases:
        im = Image.fromarray(smooth(17, 13, c), mode={1: "L", 3: "RGB", 4: "CMYK"}[c])
        f = io.BytesIO()
        im.save(f, "JPEG", **options)
        array(f"jpeg_{name}", f.getvalue())
        back = Image.open(io.BytesIO(f.getvalue()))
        if back.mode != "L":
            back = back.convert("RGB")
        array(f"jpeg_{name}_pixels", np.asarray(back).reshape(-1))
        rows.append(f'    {{"{name}", jpeg_{name}, sizeof(jpeg_{name}), {1 if c == 1 else 3}, '
                    f"jpeg_{name}_pixels}},")
    print("static const golden_jpeg jpeg_cases[] = {")
    print("\n".join(rows))
    print("};")


def color_cases():
    rgb = picture(16, 16, 3, 99)
    array("luma_pixels", np.asarray(Image.fromarray(rgb).convert("L")).reshape(-1))


print("/* Made by dataset_golden.py with Pillow 13.0. SPDX-License-Identifier: Apache-2.0 */")
print("/* clang-format off */")
resize_cases()
jpeg_cases()
color_cases()
