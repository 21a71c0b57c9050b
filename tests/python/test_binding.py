"""The Python binding on the bundled sample: same bytes as the command line, errors, threads, callbacks.
SPDX-License-Identifier: Apache-2.0 Usage: test_binding.py REPOSITORY"""
import os
import sys
import tempfile
import threading
import unittest

try:
    import numpy
except ImportError:
    print("skipped: no numpy")
    sys.exit(77)

ROOT = sys.argv.pop(1)
sys.path.insert(0, os.path.join(ROOT, "bindings", "python"))
import nncompress  # noqa: E402

SAMPLE = os.path.join(ROOT, "datasets", "sample")
MODEL = os.path.join(SAMPLE, "model.onnx")
CALIB = os.path.join(SAMPLE, "calib.h5") + "#images"
FAST = {"bench_seconds": 0, "write_report": False}


def images(count, seed=1):
    random = numpy.random.default_rng(seed)
    return [random.random((3, 32, 32), numpy.float32) for _ in range(count)]


class Binding(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def content(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def fails(self, code, words, function, *arguments, **options):
        with self.assertRaises(nncompress.Error) as caught:
            function(*arguments, **options)
        self.assertEqual(caught.exception.code, code)
        self.assertIn(words, str(caught.exception))

    def test_model(self):
        with nncompress.Model(MODEL) as model:
            self.assertEqual(model.inputs, [("input", "float32", (None, 3, 32, 32))])
            self.assertEqual(model.outputs[0][0], "logits")
            self.assertEqual(model.parameters > 100000 and model.macs > 1000000, True)
            x = numpy.stack(images(4))
            y, = model.run(x)
            self.assertEqual((y.shape, y.dtype), ((4, 16), numpy.float32))
            # One by one the same bits; by name; from another layout in memory; from float64.
            for i in range(4):
                one, = model.run({"input": x[i:i + 1]})
                self.assertTrue(numpy.array_equal(one[0], y[i]))
            strided, = model.run(numpy.asfortranarray(x))
            self.assertTrue(numpy.array_equal(strided, y))
            wide, = model.run(x.astype(numpy.float64))
            self.assertTrue(numpy.array_equal(wide, y))
            y[0, 0] = 1  # results are the caller's own memory
            model.save_plan(self.path("model.nncp"))
            self.assertTrue(os.path.getsize(self.path("model.nncp")) > 100000)
            self.fails(6, "exists", model.save_plan, self.path("model.nncp"))
            self.fails(2, "the model takes 3", model.run, x[:, :2])
            self.assertRaises(ValueError, model.run)
            self.assertRaises(KeyError, model.run, {"x": x})
            self.assertRaises(TypeError, model.run, x.astype(numpy.uint8))
        self.assertRaises(ValueError, model.run, x)

    def test_errors(self):
        self.fails(6, "nowhere.onnx", nncompress.Model, "nowhere.onnx")
        self.fails(2, "did you mean", nncompress.compress, MODEL, CALIB, self.path("a.onnx"), preproces="x")
        self.fails(2, "samples", nncompress.compress, MODEL, None, self.path("a.onnx"))
        self.fails(5, "no samples", nncompress.compress, MODEL, iter(()), self.path("a.onnx"))
        self.fails(5, "shape", nncompress.compress, MODEL, [numpy.zeros((3, 31, 32), "f4")] * 8,
                   self.path("a.onnx"), **FAST)
        broken = self.path("broken.onnx")
        with open(MODEL, "rb") as source, open(broken, "wb") as out:
            out.write(source.read(3000))
        self.fails(3, "", nncompress.Model, broken)
        # What C would cut or round is refused here.
        self.assertRaises(ValueError, nncompress.Model, MODEL + "\0.txt")
        self.assertRaises(ValueError, nncompress.compress, MODEL, CALIB, self.path("a\0.onnx"))
        self.assertRaises(ValueError, nncompress.compress, MODEL, CALIB, self.path("a.onnx"), method="auto\0x")
        for label in (1.5, "cat", None):
            with self.assertRaises(TypeError):
                nncompress.compress(MODEL, images(20), self.path("a.onnx"), eval=[(x, label) for x in images(20)], **FAST)
        for threads in (-1, 2**32, 5000):
            self.assertRaises(ValueError, nncompress.Model, MODEL, threads=threads)
        self.assertRaises(TypeError, nncompress.Model, MODEL, threads="all")
        self.assertFalse(os.path.exists(self.path("a.onnx")))

    def test_same_as_path(self):
        """Samples given as arrays quantize to the same numbers as the same samples in a file."""
        random = images(40)
        numpy.save(self.path("x.npy"), numpy.stack(random))
        a = nncompress.compress(MODEL, self.path("x.npy"), self.path("a.onnx"), **FAST)
        b = nncompress.compress(MODEL, iter(random), self.path("b.onnx"), **FAST)
        c = nncompress.compress(MODEL, [{"input": x[None]} for x in random], self.path("c.onnx"), **FAST)
        self.assertEqual(a["kind"], "compress")
        self.assertEqual(b["data"]["calibration"]["samples"], 40)
        self.assertIn("<html", b.texts["html"])
        self.assertEqual(sorted(b.texts), ["card", "csv", "html", "junit", "md", "metrics", "sbom", "terminal"])
        self.assertEqual(self.content("b.onnx"), self.content("c.onnx"))
        x = numpy.stack(images(8, 2))
        with nncompress.Model(MODEL) as original, nncompress.Model(self.path("b.onnx")) as small:
            y, z = original.run(x)[0], small.run(x)[0]
            self.assertFalse(numpy.array_equal(y, z))
            self.assertLess(numpy.linalg.norm(y - z) / numpy.linalg.norm(y), 0.2)
        self.assertLess(os.path.getsize(self.path("b.onnx")), os.path.getsize(MODEL) / 2)
        self.assertLess(abs(os.path.getsize(self.path("a.onnx")) - os.path.getsize(self.path("b.onnx"))), 1000)

    def test_eval_and_callbacks(self):
        """Labels of the model itself: the original is right everywhere; a sequence is asked lazily."""
        x = images(32)
        with nncompress.Model(MODEL) as model:
            labels = model.run(numpy.stack(x))[0].argmax(1)
        messages, stages = [], set()
        report = nncompress.compress(MODEL, x, self.path("a.onnx"), eval=list(zip(x, labels)),
                                     message=lambda level, text: messages.append((level, text)),
                                     progress=lambda stage, done, total, unit: stages.add(stage), **FAST)
        self.assertEqual(report["accuracy"]["top1_fp32"], 1.0)
        self.assertTrue(any("the model sees" in text for _, text in messages))
        self.assertTrue(any(stage.startswith("calibrate") for stage in stages))

    def test_exceptions_pass(self):
        class Bad:
            def __len__(self):
                return 40

            def __getitem__(self, i):
                if i >= 20:
                    raise LookupError("sample %d is gone" % i)
                return numpy.zeros((3, 32, 32), "f4")

        with self.assertRaisesRegex(LookupError, "is gone"):
            nncompress.compress(MODEL, Bad(), self.path("a.onnx"), **FAST)

        def stop(level, text):
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            nncompress.compress(MODEL, images(40), self.path("a.onnx"), message=stop, **FAST)
        self.assertFalse(os.path.exists(self.path("a.onnx")))

    def test_threads(self):
        """Other threads run meanwhile, and models in several threads give the same bits."""
        x = numpy.stack(images(16))
        with nncompress.Model(MODEL) as model:
            want, = model.run(x)
        got = [None] * 4

        def work(i):
            with nncompress.Model(MODEL, threads=1) as own:
                for _ in range(5):
                    got[i], = own.run(x)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        ticks = 0
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            ticks += 1
        for thread in threads:
            thread.join()
        self.assertGreater(ticks, 0)
        for y in got:
            self.assertTrue(numpy.array_equal(y, want))


if __name__ == "__main__":
    print("nncompress " + nncompress.version())
    unittest.main()
