"""nncompress from Python: compresses ONNX models and runs them, over the C library.

    import nncompress
    report = nncompress.compress("model.onnx", calib=arrays, output="model.int8.onnx")
    model = nncompress.Model("model.int8.onnx")
    y, = model.run(x)

Needs numpy and libnncompress (found beside this package, by the system, or named by
LIBNNCOMPRESS). Other threads run while the library works.
SPDX-License-Identifier: Apache-2.0
"""
import ctypes
import glob
import json
import operator
import os

import numpy

__all__ = ["compress", "Model", "Report", "Error", "GateError", "version"]

_RANK_MAX = 16
# ONNX element types that numpy has too.
_DTYPES = {1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
           9: "bool", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64"}
_NUMBERS = {numpy.dtype(name): number for number, name in _DTYPES.items()}


class Error(Exception):
    """What the library refused. code: the exit code of the tool (nncompress/status.h); name: "usage", "model", ..."""

    def __init__(self, code, name, message):
        super().__init__(message)
        self.code = code
        self.name = name


class GateError(Error):
    """The compression ran, but a gate failed. report: as for a success."""

    report = None


class _IoInfo(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_int), ("rank", ctypes.c_uint32),
                ("dims", ctypes.c_int64 * _RANK_MAX)]


class _Array(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("bytes", ctypes.c_size_t), ("dtype", ctypes.c_int),
                ("rank", ctypes.c_uint32), ("dims", ctypes.c_int64 * _RANK_MAX)]


_MESSAGE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p)
_PROGRESS = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint64,
                             ctypes.c_uint64, ctypes.c_char_p)
_CANCELLED = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_GET = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.POINTER(_Array),
                        ctypes.c_size_t)
_LABEL = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_size_t)


class _Callbacks(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("message", _MESSAGE), ("progress", _PROGRESS),
                ("cancelled", _CANCELLED), ("user", ctypes.c_void_p)]


class _Samples(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("count", ctypes.c_size_t), ("get", _GET),
                ("label", _LABEL), ("user", ctypes.c_void_p)]


def _library_names():
    """Where the library may be: as named, beside this package, then where the system looks."""
    named = os.environ.get("LIBNNCOMPRESS")
    if named:
        return [named]
    here = os.path.dirname(os.path.realpath(__file__))
    names = []
    for up in ("..", "../..", "../../.."):
        names += sorted(glob.glob(os.path.join(here, up, "libnncompress.so.[0-9]*")))
    return names + ["libnncompress.so.0"]


def _load():
    failures = []
    for name in _library_names():
        try:
            return ctypes.CDLL(name)
        except OSError as error:
            failures.append(str(error))
    raise ImportError("libnncompress cannot be loaded: " + "; ".join(failures) +
                      " (LIBNNCOMPRESS names it)")


_c = _load()


def _declare():
    void, text, count = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
    handle, status = ctypes.POINTER(ctypes.c_void_p), ctypes.c_int
    callbacks = ctypes.POINTER(_Callbacks)
    for name, result, arguments in [
            ("nnc_version", text, []),
            ("nnc_last_error", text, []),
            ("nnc_status_text", text, [status]),
            ("nnc_model_load", status, [handle, text, callbacks]),
            ("nnc_model_destroy", None, [void]),
            ("nnc_model_input_count", count, [void]),
            ("nnc_model_output_count", count, [void]),
            ("nnc_model_input", status, [void, count, ctypes.POINTER(_IoInfo)]),
            ("nnc_model_output", status, [void, count, ctypes.POINTER(_IoInfo)]),
            ("nnc_model_macs", ctypes.c_uint64, [void]),
            ("nnc_model_parameters", ctypes.c_uint64, [void]),
            ("nnc_model_set_threads", None, [void, ctypes.c_uint32]),
            ("nnc_model_run", status, [void, ctypes.POINTER(_Array), count]),
            ("nnc_model_result", status, [void, count, ctypes.POINTER(_Array)]),
            ("nnc_model_save_plan", status, [void, text, ctypes.c_int]),
            ("nnc_job_create", status, [handle, text]),
            ("nnc_job_destroy", None, [void]),
            ("nnc_job_set", status, [void, text, text]),
            ("nnc_job_set_samples", status, [void, text, ctypes.POINTER(_Samples)]),
            ("nnc_job_run", status, [void, callbacks]),
            ("nnc_job_report", text, [void, text])]:
        function = getattr(_c, name)
        function.restype = result
        function.argtypes = arguments


_declare()


def version():
    """Version of the library, "0.1.0"."""
    return _c.nnc_version().decode()


def _check(status, kind=Error):
    if status != 0:
        message = _c.nnc_last_error().decode("utf-8", "replace")
        name = _c.nnc_status_text(status).decode()
        raise (GateError if status == 1 else kind)(status, name, message or name)


def _text(value):
    """A path or word for C, which would end it at a NUL byte."""
    text = os.fsencode(value)
    if b"\0" in text:
        raise ValueError("a NUL byte in %r" % value)
    return text


def _describe(array, values, dtype):
    """Fills an _Array; returns the contiguous array that must stay alive as long as it is used."""
    values = numpy.ascontiguousarray(values)
    wanted = numpy.dtype(_DTYPES[dtype])
    # Numbers of another width of the same kind are converted; an integer image for a float input is not: who scales it?
    if values.dtype != wanted:
        if values.dtype.kind != wanted.kind:
            raise TypeError("an array of %s, the model takes %s" % (values.dtype, wanted))
        values = values.astype(wanted)
    if values.ndim > _RANK_MAX:
        raise TypeError("an array of %d dimensions" % values.ndim)
    array.data = values.ctypes.data
    array.bytes = values.nbytes
    array.dtype = dtype
    array.rank = values.ndim
    for i, n in enumerate(values.shape):
        array.dims[i] = n
    return values


class _Talk:
    """Callbacks of one call; remembers the first exception of the program's functions."""

    def __init__(self, message=None, progress=None):
        self.error = None

        def on_message(_, level, text):
            self.guard(message, ("debug", "info", "warning")[level], text.decode("utf-8", "replace"))

        def on_progress(_, stage, done, total, unit):
            self.guard(progress, stage.decode(), done, total, unit.decode())

        self.c = _Callbacks(ctypes.sizeof(_Callbacks), _MESSAGE(on_message if message else 0),
                            _PROGRESS(on_progress if progress else 0),
                            _CANCELLED(lambda _: self.error is not None), None)

    def guard(self, function, *arguments):
        try:
            return function(*arguments)
        except BaseException as error:  # it cannot pass through C; the call is cancelled and raises it
            self.error = self.error or error
            return None


class _Source:
    """Samples for the library: sequences are asked, other iterables are drained first."""

    def __init__(self, samples, names, dtypes, talk, labelled):
        if not (hasattr(samples, "__getitem__") and hasattr(samples, "__len__")) or isinstance(samples, dict):
            samples = list(samples)
        self.samples, self.names, self.dtypes, self.talk = samples, names, dtypes, talk
        self.labelled = labelled
        self.kept = None
        self.c = _Samples(ctypes.sizeof(_Samples), len(samples), _GET(self.get),
                          _LABEL(self.label if labelled else 0), None)

    def split(self, i):
        item = self.samples[i]
        if self.labelled:
            if not isinstance(item, tuple) or len(item) != 2:
                raise TypeError("evaluation samples are pairs (inputs, label)")
            return item
        return item, -1

    def arrays(self, i):
        item = self.split(i)[0]
        if isinstance(item, dict):
            missing = [name for name in self.names if name not in item]
            if missing:
                raise KeyError("sample %d lacks input '%s'" % (i, missing[0]))
            return [item[name] for name in self.names]
        return list(item) if isinstance(item, (tuple, list)) else [item]

    def fill(self, i, arrays, count):
        values = self.arrays(i)
        if len(values) != count:
            raise ValueError("sample %d has %d arrays, the model takes %d" % (i, len(values), count))
        self.kept = [_describe(arrays[k], values[k], self.dtypes[k]) for k in range(count)]
        return 0

    def get(self, _, i, arrays, count):
        result = self.talk.guard(self.fill, i, arrays, count)
        return 1 if result is None else result

    def label(self, _, i):
        result = self.talk.guard(lambda: operator.index(self.split(i)[1]))
        return -1 if result is None else result


class Model:
    """A loaded ONNX model. inputs, outputs: lists of (name, dtype, shape) with None for free sizes."""

    def __init__(self, path, threads=0, message=None):
        self._handle = ctypes.c_void_p()
        threads = operator.index(threads)
        if not 0 <= threads <= 1024:
            raise ValueError("threads is %d, expected 1 to 1024, or 0 for all" % threads)
        talk = _Talk(message)
        status = _c.nnc_model_load(ctypes.byref(self._handle), _text(path), ctypes.byref(talk.c))
        if talk.error:
            self.close()
            raise talk.error
        _check(status)
        self.inputs = self._infos(_c.nnc_model_input, _c.nnc_model_input_count)
        self.outputs = self._infos(_c.nnc_model_output, _c.nnc_model_output_count)
        self.macs = _c.nnc_model_macs(self._handle)
        self.parameters = _c.nnc_model_parameters(self._handle)
        if threads:
            _c.nnc_model_set_threads(self._handle, threads)

    def _infos(self, get, count):
        result = []
        for i in range(count(self._handle)):
            info = _IoInfo()
            _check(get(self._handle, i, ctypes.byref(info)))
            shape = tuple(None if n < 0 else n for n in info.dims[:info.rank])
            result.append((info.name.decode(), info.dtype, shape))
        return [(name, _DTYPES.get(dtype, dtype), shape) for name, dtype, shape in result]

    def run(self, *inputs):
        """Outputs as a list of arrays. inputs: arrays in the model's order, or one dict by name."""
        self._open()
        if len(inputs) == 1 and isinstance(inputs[0], dict):
            unknown = set(inputs[0]) - {name for name, _, _ in self.inputs}
            if unknown:
                raise KeyError("the model has no input '%s'" % sorted(unknown)[0])
            inputs = [inputs[0][name] for name, _, _ in self.inputs]
        if len(inputs) != len(self.inputs):
            raise ValueError("%d inputs given, the model takes %d" % (len(inputs), len(self.inputs)))
        arrays = (_Array * max(len(inputs), 1))()
        kept = []
        for i, (name, dtype, _) in enumerate(self.inputs):
            if numpy.dtype(dtype) not in _NUMBERS:
                raise TypeError("input '%s' has a type that numpy lacks" % name)
            kept.append(_describe(arrays[i], inputs[i], _NUMBERS[numpy.dtype(dtype)]))
        _check(_c.nnc_model_run(self._handle, arrays, len(inputs)))
        return [self._result(i) for i in range(len(self.outputs))]

    def _result(self, i):
        array = _Array()
        _check(_c.nnc_model_result(self._handle, i, ctypes.byref(array)))
        dtype = numpy.dtype(_DTYPES[array.dtype])
        bytes_ = ctypes.string_at(array.data, array.bytes) if array.bytes else b""
        return numpy.frombuffer(bytearray(bytes_), dtype).reshape(tuple(array.dims[:array.rank]))

    def save_plan(self, path, replace=False):
        """Writes the model as a runtime plan (.nncp) for libnnrt."""
        self._open()
        _check(_c.nnc_model_save_plan(self._handle, _text(path), int(replace)))

    def _open(self):
        if not self._handle:
            raise ValueError("the model is closed")

    def close(self):
        handle, self._handle = self._handle, ctypes.c_void_p()
        _c.nnc_model_destroy(handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_handle", None):
            self.close()


class Report(dict):
    """The JSON report (docs/report-schema.json) as a dictionary; texts: the other formats."""

    def __init__(self, document, texts):
        super().__init__(document)
        self.texts = texts


def _take_report(job):
    document = _c.nnc_job_report(job, b"json")
    if document is None:
        return None
    document = json.loads(document.decode())
    texts = {}
    for name in ("terminal", "html", "csv", "junit", "md", "metrics", "sbom", "card"):
        text = _c.nnc_job_report(job, name.encode())
        if text is not None:
            texts[name] = text.decode()
    return Report(document, texts)


def _option_value(value):
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (list, tuple)):
        return ",".join(str(item) for item in value)
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def _is_path(samples):
    return isinstance(samples, (str, os.PathLike))


def compress(model, calib=None, output=None, eval=None, message=None, progress=None, **options):
    """Compresses an ONNX file; returns the Report. The output file exists afterwards or nothing has changed.

    calib   a path as on the command line, or samples: an iterable of arrays, of lists of arrays in the model's
            order, or of dicts by input name. Sequences are asked for their items several times, other iterables are
            read into memory first.
    eval    a path, or an iterable of pairs (sample, label).
    message(level, text), progress(stage, done, total, unit): called during the run; an exception ends it.
    Other options have the names of the command line with _ for -: int8=True is the default step, preprocess="imagenet-torch",
    bench_seconds=0, write_report=False, force=True.
    Raises Error (GateError with .report when a gate failed).
    """
    talk = _Talk(message, progress)
    job = ctypes.c_void_p()
    _check(_c.nnc_job_create(ctypes.byref(job), _text(model)))
    sources = []
    try:
        options = {"int8": True, **options}
        if output is not None:
            options["output"] = output
        for name, samples in (("calib", calib), ("eval", eval)):
            if samples is None:
                continue
            if _is_path(samples):
                options[name] = samples
                continue
            if not sources:
                with Model(model) as loaded:
                    names = [info[0] for info in loaded.inputs]
                    dtypes = [_NUMBERS[numpy.dtype(info[1])] for info in loaded.inputs]
            sources.append(_Source(samples, names, dtypes, talk, name == "eval"))
            _check(_c.nnc_job_set_samples(job, name.encode(), ctypes.byref(sources[-1].c)))
        for name, value in options.items():
            if value is not None:
                _check(_c.nnc_job_set(job, _text(name.replace("_", "-")), _text(_option_value(value))))
        status = _c.nnc_job_run(job, ctypes.byref(talk.c))
        if talk.error:
            raise talk.error
        try:
            _check(status)
        except GateError as error:
            error.report = _take_report(job)
            raise
        return _take_report(job)
    finally:
        _c.nnc_job_destroy(job)
