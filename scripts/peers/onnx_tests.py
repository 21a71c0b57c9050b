"""The backend tests of the `onnx` package as files, with an index; optionally their results in ONNX Runtime.

usage: onnx_tests.py FOLDER [--ort]
FOLDER/KIND/CASE/model.onnx, FOLDER/KIND/CASE/test_data_set_K/{input,output}_I.pb and
FOLDER/index.tsv: case, reason why a tensor runtime may leave it out ("-": none), rtol, atol.
SPDX-License-Identifier: Apache-2.0
"""
import glob
import multiprocessing
import os
import shutil
import sys

import numpy as np
import onnx
import onnx.backend.test.case.node as node_cases
from onnx import TensorProto, numpy_helper
from onnx.backend.test import loader
from onnx.backend.test.case.utils import import_recursive
from onnx.backend.test.runner import Runner

NARROW = {
    getattr(TensorProto, name)
    for name in ("FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "FLOAT8E8M0", "FLOAT4E2M1",
                 "INT4", "UINT4", "INT2", "UINT2")
    if hasattr(TensorProto, name)
}
COMPLEX = {TensorProto.COMPLEX64, TensorProto.COMPLEX128}
# Their outputs come from NumPy's generator, which no other implementation has.
RANDOM = {"Bernoulli", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial"}


def payload(value, type_proto, name):
    """The protobuf message that holds one input or output."""
    if isinstance(value, (TensorProto, onnx.SequenceProto, onnx.OptionalProto, onnx.MapProto)):
        return value
    if type_proto.HasField("map_type"):
        return numpy_helper.from_dict(value, name)
    if type_proto.HasField("sequence_type"):
        return numpy_helper.from_list(value, name)
    if type_proto.HasField("optional_type"):
        return numpy_helper.from_optional(value, name)
    return numpy_helper.from_array(np.asarray(value), name)


def write(path, message):
    with open(path, "wb") as f:
        f.write(message.SerializeToString())


def write_generated(folder, case):
    os.makedirs(folder)
    write(f"{folder}/model.onnx", case.model)
    for k, (inputs, outputs) in enumerate(case.data_sets):
        data = f"{folder}/test_data_set_{k}"
        os.makedirs(data)
        for what, values, infos in (("input", inputs, case.model.graph.input), ("output", outputs, case.model.graph.output)):
            for i, value in enumerate(values):
                write(f"{data}/{what}_{i}.pb", payload(value, infos[i].type, infos[i].name))


def write_light(folder, source, model):
    """Networks with generated weights: the input is a ramp, the output lies beside the model."""
    os.makedirs(f"{folder}/test_data_set_0")
    shutil.copy(source, f"{folder}/model.onnx")
    weights = {i.name for i in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in weights]
    for i, info in enumerate(inputs):
        value = Runner.generate_dummy_data(info, seed=0, name=folder, random=False)
        write(f"{folder}/test_data_set_0/input_{i}.pb", numpy_helper.from_array(value, info.name))
    for i in range(len(model.graph.output)):
        shutil.copy(f"{os.path.splitext(source)[0]}_output_{i}.pb", f"{folder}/test_data_set_0/output_{i}.pb")


def types_of(type_proto):
    """Names of what a type is made of, and the element types in it."""
    if type_proto.HasField("tensor_type"):
        return set(), {type_proto.tensor_type.elem_type}
    if type_proto.HasField("sparse_tensor_type"):
        return {"sparse"}, {type_proto.sparse_tensor_type.elem_type}
    if type_proto.HasField("map_type"):
        return {"map"}, set()
    name = "sequence" if type_proto.HasField("sequence_type") else "optional"
    inner_names, elements = types_of(getattr(type_proto, f"{name}_type").elem_type)
    return inner_names | {name}, elements


def nodes_of(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in [attribute.g] if attribute.HasField("g") else list(attribute.graphs):
                yield from nodes_of(inner)


def all_nodes(model):
    yield from nodes_of(model.graph)
    for function in model.functions:
        yield from nodes_of(function)


def reason(name, model):
    """Why a tensor runtime may leave the case out; "-" if nothing speaks for that."""
    domains = {n.domain for n in all_nodes(model)}
    names, elements = set(), set()
    try:
        values = list(onnx.shape_inference.infer_shapes(model).graph.value_info)
    except Exception:
        values = []
    for info in list(model.graph.input) + list(model.graph.output) + values:
        inner_names, inner_elements = types_of(info.type)
        names |= inner_names
        elements |= inner_elements
    elements |= {i.data_type for i in model.graph.initializer}
    ops = {n.op_type for n in all_nodes(model) if n.domain in ("", "ai.onnx")}
    checks = (
        ("training", any("training" in d for d in domains)),
        ("preview", any("preview" in d for d in domains)),
        ("ml", "ai.onnx.ml" in domains),
        ("string", TensorProto.STRING in elements or ops & {"StringConcat", "StringSplit", "StringNormalizer", "RegexFullMatch"}),
        ("map", "map" in names),
        ("sparse", "sparse" in names),
        ("complex", bool(elements & COMPLEX)),
        ("random", bool(ops & RANDOM) or name.startswith("test_training_dropout")),
        ("narrow", bool(elements & NARROW)),
        ("sequence", "sequence" in names),
        ("optional", "optional" in names),
    )
    return next((word for word, holds in checks if holds), "-")


def write_all(out):
    rows = []
    import_recursive(node_cases)
    for case in loader.load_node_model_tests():
        folder = f"{out}/node/{case.name}"
        write_generated(folder, case)
        rows.append((f"node/{case.name}", reason(case.name, case.model), case.rtol, case.atol))
    light = f"{loader.DATA_DIR}/light"
    for kind in ("real", "simple", "pytorch-converted", "pytorch-operator"):
        for case in loader.load_model_tests(kind=kind):
            folder = f"{out}/{kind}/{case.name}"
            if kind == "real":
                source = f"{light}/{os.path.basename(case.url)}"
                model = onnx.load(source)
                write_light(folder, source, model)
            else:
                shutil.copytree(case.model_dir, folder)
                model = onnx.load(f"{folder}/model.onnx")
            rows.append((f"{kind}/{case.name}", reason(case.name, model), case.rtol, case.atol))
    with open(f"{out}/index.tsv", "w") as f:
        for row in sorted(rows):
            print(*row, sep="\t", file=f)
    print(f"{len(rows)} cases in {out}")


def run_in_ort(folder, rtol, atol):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    model = onnx.load(f"{folder}/model.onnx", load_external_data=False)
    session = onnxruntime.InferenceSession(f"{folder}/model.onnx", options, providers=["CPUExecutionProvider"])
    runner = Runner.__new__(Runner)
    weights = {i.name for i in model.graph.initializer}
    feeds_of = [i for i in model.graph.input if i.name not in weights]
    for data in sorted(glob.glob(f"{folder}/test_data_set_*")):
        values = {}
        for what, infos in (("input", feeds_of), ("output", model.graph.output)):
            values[what] = []
            for i in range(len(glob.glob(f"{data}/{what}_*.pb"))):
                runner._load_proto(f"{data}/{what}_{i}.pb", values[what], infos[i].type)
        feeds = {info.name: value for info, value in zip(feeds_of, values["input"])}
        Runner.assert_similar_outputs(values["output"], session.run(None, feeds), rtol, atol)


def in_child(queue, folder, rtol, atol):
    try:
        run_in_ort(folder, rtol, atol)
        queue.put(("PASS", ""))
    except Exception as e:
        words = " ".join(str(e).split())
        kind = "UNSUPPORTED" if "NOT_IMPLEMENTED" in words or "is not a registered function/op" in words or \
            "Unsupported" in words or "not supported" in words else "FAIL"
        queue.put((kind, words[:200]))


def ort_table(out):
    counts = {}
    with open(f"{out}/index.tsv") as index, open(f"{out}/ort.tsv", "w") as table:
        for line in index:
            case, why, rtol, atol = line.rstrip("\n").split("\t")
            queue = multiprocessing.Queue()
            child = multiprocessing.Process(target=in_child, args=(queue, f"{out}/{case}", float(rtol), float(atol)))
            child.start()
            child.join(60)
            if child.is_alive():
                child.kill()
                child.join()
            result = queue.get() if child.exitcode == 0 else ("FAIL", f"exit {child.exitcode}")
            print(case, *result, sep="\t", file=table)
            group = counts.setdefault(why, {})
            group[result[0]] = group.get(result[0], 0) + 1
    for why in sorted(counts):
        print(f"{why:10s}", *(f"{k} {v}" for k, v in sorted(counts[why].items())))


def main():
    out = os.path.realpath(sys.argv[1])
    np.seterr(all="ignore")
    if not os.path.exists(f"{out}/index.tsv"):
        shutil.rmtree(out, ignore_errors=True)
        np.random.seed(0)
        write_all(out)
    if "--ort" in sys.argv[2:]:
        multiprocessing.set_start_method("fork")
        import onnxruntime  # noqa: F401  loaded once, before the children

        ort_table(out)


if __name__ == "__main__":
    main()
