/* Nodes that are wrong: each fails with its own message. SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include "node_case.h"

typedef struct bad_case {
    const char *op, *inputs, *attrs;
    uint32_t outputs;
    const char *message; /* without "<Op> 'n': " */
} bad_case;

static const bad_case cases[] = {
    /* arity */
    {"Conv", "f[1,3,8,8]", "", 1, "has 1 inputs, expected at least 2"},
    {"Relu", "f[1] f[1]", "", 1, "has 2 inputs, expected 1"},
    {"Conv", "- f[8,3,3,3]", "", 1, "required input 0 is missing"},
    {"Relu", "f[1]", "", 2, "has 2 outputs, expected 1"},
    {"Concat", "f[1,2] - f[1,2]", "axis=0", 1, "input 1 is missing"},
    /* attributes */
    {"Concat", "f[2] f[2]", "", 1, "attribute 'axis' is missing"},
    {"MaxPool", "f[1,1,4,4]", "", 1, "attribute 'kernel_shape' is missing"},
    {"Relu", "f[2]", "slope=1", 1, "unknown attribute 'slope'"},
    {"LeakyRelu", "f[2]", "alpha=1", 1, "attribute 'alpha' is of type int, expected float"},
    {"Softmax", "f[2]", "axis=[1]", 1, "attribute 'axis' is of type ints, expected int"},
    {"Conv", "f[1,3,8,8] f[8,3,3,3]", "group=0", 1,
     "attribute 'group' is 0, expected 1 to 2147483647"},
    {"Conv", "f[1,3,8,8] f[8,3,3,3]", "strides=[0,1]", 1,
     "attribute 'strides' is 0, expected 1 to 2147483647"},
    {"Conv", "f[1,3,8,8] f[8,3,3,3]", "dilations=[1099511627776,1]", 1,
     "attribute 'dilations' is 1.099511628e+12, expected 1 to 2147483647"},
    {"Conv", "f[1,3,8,8] f[8,3,3,3]", "pads=[-9223372036854775808,0,0,0]", 1,
     "attribute 'pads' is -9.223372037e+18, expected 0 to 2147483647"},
    {"Conv", "f[1,3,8,8] f[8,3,3,3]", "auto_pad=SAME", 1,
     "attribute 'auto_pad' is \"SAME\", which is no known choice"},
    {"DepthToSpace", "f[1,4,2,2]", "blocksize=4294967296", 1,
     "attribute 'blocksize' is 4294967296, expected 1 to 65536"},
    {"Cast", "f[1]", "to=99", 1, "attribute 'to' is 99, expected 1 to 26"},
    /* subgraphs */
    {"If", "b[] f[2] i[2]", "nnc_captures=2 then_branch=@2:0 else_branch=@2:1", 1,
     "output 0 is float32 in one branch, int64 in the other"},
    {"If", "b[] f[2]", "nnc_captures=1 then_branch=@1:0 else_branch=@1", 1,
     "subgraph 'else_branch' has 0 inputs and 0 outputs, expected 0 and 1"},
    {"If", "b[] f[2]", "then_branch=@0 else_branch=@0", 1, "2 inputs, expected a condition"},
    {"If", "b[]", "then_branch=@0 else_branch=3", 1,
     "attribute 'else_branch' is of type int, expected graph"},
    {"If", "b[]", "nnc_captures=7 then_branch=@0 else_branch=@0", 1,
     "-6 inputs, expected a condition"},
    {"Loop", "i[] b[] f[2]", "body=@4:1,2", 1,
     "subgraph 'body' has 4 inputs and 2 outputs, expected 3 and 2"},
    {"Loop", "i[] b[] f[2] f[2]", "body=@4:1,2", 1, "the body has 2 outputs for 2 carried values"},
    {"SequenceAt", "f[2] i[]", "", 1, "input 'x' is no sequence"},
    {"SequenceConstruct", "f[2] i[2]", "", 1, "inputs are float32 and int64, expected one type"},
    {"SequenceInsert", "u[sequence(int64)] f[2]", "", 1, "float32 into a sequence of int64"},
    {"Scan", "f[3,2] f[4,2]", "num_scan_inputs=2 body=@2:0", 1,
     "scan input 1 has 4 steps, another 3"},
    {"Scan", "f[3,2]", "num_scan_inputs=2 body=@1:0", 1, "1 inputs, 2 of them scanned"},
    {"Scan", "f[3,2]", "num_scan_inputs=1 scan_output_axes=[2] body=@1:0", 1,
     "scan output 0: axis 2 of rank 2"},
    /* products */
    {"Conv", "f[1,3,8,8] f[8,4,3,3]", "", 1,
     "input [1,3,8,8] has 3 channels, weight [8,4,3,3] with group 1 expects 4"},
    {"Conv", "f[1,6,8,8] f[8,3,3,3]", "group=3", 1,
     "input [1,6,8,8] has 6 channels, weight [8,3,3,3] with group 3 expects 9"},
    {"Conv", "f[1,6,8,8] f[8,2,3,3]", "group=3", 1,
     "weight has 8 channels, not divisible by group 3"},
    {"Conv", "f[1,3,8,8] f[8,3,3]", "", 1, "weight has 3 dims, expected 4"},
    {"Conv", "f[1,3,8,8] f[8,3,3,3] f[7]", "", 1, "bias has 7 elements, expected 8"},
    {"Conv", "f[1,3,8,8] f[8,3,3,3]", "kernel_shape=[5,5]", 1,
     "kernel_shape differs from the weight's dims"},
    {"Conv", "f[1,3,8,8] f[8,3,3,3]", "strides=[1]", 1,
     "strides does not have one element per spatial dim"},
    {"Conv", "f[1,3,8,8] f[8,3,3,3]", "pads=[1,1]", 1,
     "pads does not have two elements per spatial dim"},
    {"Conv", "f[1,3,2,2] f[8,3,3,3]", "", 1,
     "window of 3 (dilation 1) does not fit an input of 2 with padding 0 and 0"},
    {"Conv", "f[1,3] f[8,3]", "", 1, "input 'x' has 2 dims, expected 3 to 8"},
    {"Conv", "f[1,3,8,8] i[8,3,3,3]", "", 1, "inputs are float32 and int64, expected one type"},
    {"ConvTranspose", "f[1,8,2,2] f[8,4,1,1]", "pads=[1,1,1,1]", 1,
     "padding 2 leaves no output of dim 0"},
    {"Gemm", "f[2,5] f[4,3]", "", 1, "inner dims 5 and 4 of [2,5] and [4,3] differ"},
    {"Gemm", "f[2,4] f[4,3] f[5]", "", 1, "shapes [2,3] and [5] do not broadcast"},
    {"Gemm", "f[1,4] f[4,3] f[2,3]", "", 1, "C of shape [2,3] does not broadcast to [1,3]"},
    {"MatMul", "f[2,5] f[4,3]", "", 1, "inner dims 5 and 4 of [2,5] and [4,3] differ"},
    {"MatMul", "f[] f[4,3]", "", 1, "input 'x' has 0 dims, expected 1 to 16"},
    /* element-wise */
    {"Add", "f[3] f[4]", "", 1, "shapes [3] and [4] do not broadcast"},
    {"Add", "f[3] i[3]", "", 1, "inputs are float32 and int64, expected one type"},
    {"And", "b[3] f[3]", "", 1, "input 1 is float32, expected bool"},
    {"Not", "f[3]", "", 1, "input is float32, expected bool"},
    {"Where", "f[3] f[3] f[3]", "", 1, "condition is float32, expected bool"},
    {"Clip", "f[3] f[2]", "", 1, "min has 2 elements, expected a scalar"},
    {"PRelu", "f[3] f[2,3]", "", 1, "slope of shape [2,3] does not broadcast to [3]"},
    /* pooling and norms */
    {"Einsum", "f[3,4] f[4,5]", "equation=ab,bc,cd->ad", 1, "equation has more terms than inputs"},
    {"Einsum", "f[3,4] f[4,5]", "equation=ab->a", 1, "equation has fewer terms than inputs"},
    {"Einsum", "f[3,4]", "equation=ab->c", 1, "equation's output has a letter that no input has"},
    {"Einsum", "f[3,4]", "equation=ab->aa", 1, "equation's output has a letter twice"},
    {"Einsum", "f[3,4]", "equation=a?", 1, "equation has a character that is no letter"},
    {"Einsum", "f[3,4]", "equation=abc", 1, "an input's rank differs from its term's letters"},
    {"Einsum", "f[3,4]", "equation=...a...", 1, "equation has two ellipses in one term"},
    {"Einsum", "f[3,4]", "equation=ab-c", 1, "equation has '-' without '>'"},
    {"Einsum", "f[3,4]", "equation=ab->a->b", 1, "equation goes on after its output"},
    {"Einsum", "f[3,4] f[5,6]", "equation=ab,bc", 1, "shapes [4] and [5] do not broadcast"},
    {"DFT", "f[2,10,1] - i(2)", "", 1, "axis 2 is the one of real and imaginary parts"},
    {"DFT", "f[2,10,3]", "", 1, "last dim is 3, expected 1 or 2"},
    {"DFT", "f[2,10,2]", "onesided=1", 1, "onesided needs real input, but the last dim is 2"},
    {"STFT", "f[2,8,1] i(0) - i(4)", "", 1, "frame_step is 0, expected 1 or more"},
    {"STFT", "f[2,8,1] i(1) - i(9)", "", 1, "frames of 9 in a signal of 8"},
    {"NegativeLogLikelihoodLoss", "f[2,5,4] i[2]", "", 1, "labels have 1 dims, expected 2"},
    {"SoftmaxCrossEntropyLoss", "f[2,5] i[2] f[4]", "", 1, "weight has 4 elements, expected 5"},
    {"LpNormalization", "f[2,5]", "p=3", 1, "attribute 'p' is 3, expected 1 to 2"},
    {"MeanVarianceNormalization", "f[2,5,4]", "", 1, "axis 3 is out of range for rank 3"},
    {"Hardmax", "f[2,5]", "axis=2", 1, "axis 2 is out of range for rank 2"},
    {"DeformConv", "f[1,4,8,8] f[6,3,3,3] f[1,18,6,6]", "group=2", 1,
     "input has 4 channels, weight with group 2 expects 6"},
    {"CausalConvWithState", "f[1,4,9] f[5,1,3]", "", 1, "weight has 5 channels, expected 4"},
    {"CausalConvWithState", "f[1,4,9] f[4,2,3]", "", 1, "weight has dims 2 and 3, expected 1 and a kernel"},
    {"LinearAttention", "f[1,2,8] f[1,2,8] f[1,2,8]", "q_num_heads=2 kv_num_heads=2 update_rule=gated", 1,
     "update_rule \"gated\" needs input decay"},
    {"LinearAttention", "f[1,2,9] f[1,2,8] f[1,2,8]", "q_num_heads=2 kv_num_heads=2 update_rule=linear", 1,
     "input 0 has last dim 9, not divisible by 2 heads"},
    {"LinearAttention", "f[1,2,6] f[1,2,8] f[1,2,8]", "q_num_heads=3 kv_num_heads=2 update_rule=linear", 1,
     "3 query heads are not a multiple of 2 key and value heads"},
    {"GlobalLpPool", "f[1,1,4]", "p=0", 1, "attribute 'p' is 0, expected 1 to 2147483647"},
    {"MaxUnpool", "f[1,1,2,2] i[1,1,2]", "kernel_shape=[2,2]", 1, "indices have 3 dims, expected 4"},
    {"MaxUnpool", "f[1,1,2,2] i[1,1,2,2] i{1,1,5}", "kernel_shape=[2,2]", 1,
     "output_shape has 3 elements, expected 4"},
    {"MaxUnpool", "f[1,1,1,1] i[1,1,1,1]", "kernel_shape=[1,1] pads=[1,1,1,1]", 1,
     "padding leaves no output of dim 0"},
    {"MaxPool", "f[1,1,4,4]", "kernel_shape=[2]", 1,
     "kernel_shape does not have one element per spatial dim"},
    {"BatchNormalization", "f[1,8,4,4] f[8] f[8] f[7] f[8]", "", 1,
     "mean has 7 elements, expected 8"},
    {"GroupNormalization", "f[1,8,4,4] f[8] f[8]", "num_groups=3", 1,
     "8 channels are not divisible by 3 groups"},
    {"LayerNormalization", "f[2,8] f[7]", "", 1, "shapes [2,8] and [7] do not broadcast"},
    {"Attention", "f[1,4,5,8] f[1,3,5,8] f[1,3,5,8]", "", 1, "4 heads of queries, 3 of keys"},
    {"Attention", "f[1,4,5,8] f[1,4,5,6] f[1,4,5,8]", "", 1,
     "heads of queries have 8 elements, of keys 6"},
    {"Attention", "f[1,5,8] f[1,5,8] f[1,5,8]", "", 1, "3-D inputs need the attribute 'q_num_heads'"},
    {"Attention", "f[1,4,5,8] f[1,4,5,8] f[1,4,5,8] - f[1,4,2,8]", "", 1,
     "past_key and past_value do not come together"},
    {"com.microsoft.GroupQueryAttention", "f[N,1,32] f[N,1,24] f[N,1,24] - - h[N] h[]",
     "num_heads=4 kv_num_heads=3", 1, "4 heads of queries, 3 of keys"},
    {"RotaryEmbedding", "f[1,4,5,8] f[50,3] f[50,3] i[1,5]", "", 1,
     "tables of 3 columns for 8 elements"},
    {"LSTM", "f[5,2,6] f[1,32,6] f[1,32,7]", "", 1, "W has shape [1,32,6], expected [1,28,6]"},
    {"GRU", "f[5,2,6] f[1,24,6] f[1,24,8]", "hidden_size=9", 1, "hidden_size is 9, R has 8"},
    {"RNN", "f[5,2,6] f[1,8,6] f[1,8,8] f[1,8]", "", 1, "B has shape [1,8], expected [1,16]"},
    {"RNN", "f[5,2,6] f[1,8,6] f[1,8,8]", "direction=sideways", 1,
     "attribute 'direction' is \"sideways\", which is no known choice"},
    {"Softmax", "f[2,8]", "axis=2", 1, "axis 2 is out of range for rank 2"},
    {"ReduceSum", "f[2,8] i{1,-1}", "", 1, "axis -1 is given twice"},
    {"ArgMax", "f[2,8]", "axis=-3", 1, "axis -3 is out of range for rank 2"},
    /* shapes */
    {"Reshape", "f[2,3] i{4,2}", "", 1, "[2,3] cannot become [4,2]"},
    {"Reshape", "f[2,3] i{-1,-1}", "", 1, "two dims are -1 (the second is dim 1)"},
    {"Reshape", "f[2,3] i{-2,3}", "", 1, "dim 0 is negative"},
    {"Reshape", "f[2,3] i{4,-1}", "", 1,
     "[2,3] has no whole number of elements left for dim 1: 6 by 4"},
    {"Reshape", "f[6] i{6,0}", "", 1, "dim 1 copies from an input of 1 dims"},
    {"Reshape", "f[6] i[2147483648]", "", 1, "shape has 2147483648 elements, at most 16 fit"},
    {"Flatten", "f[2,3]", "axis=3", 1, "axis 3 is out of range for rank 2"},
    {"Squeeze", "f[2,3] i{1}", "", 1, "dim 1 is 3, expected 1"},
    {"Unsqueeze", "f[2] i{0,0}", "", 1, "axis 0 is given twice"},
    {"Transpose", "f[2,3]", "perm=[0,0]", 1, "perm[1] = 0 makes it no permutation of 2 dims"},
    {"Transpose", "f[2,3]", "perm=[1,0,2]", 1, "perm has 3 elements, input has 2 dims"},
    {"Concat", "f[2,3] f[2,3,1]", "axis=0", 1, "input 'x_2' has 3 dims, the first has 2"},
    {"Concat", "f[2,3] f[2,4]", "axis=0", 1,
     "inputs of shape [2,3] and [2,4] differ beside axis 0"},
    {"Split", "f[10] i{3,3}", "", 2, "split sums to 6, dim 0 has 10"},
    {"Split", "f[10] i{12,-2}", "", 2, "split[1] is -2"},
    {"Split", "f[10] i{10}", "", 2, "split has 1 elements, the node has 2 outputs"},
    {"Split", "f[10]", "num_outputs=3", 2, "num_outputs is 3, the node has 2 outputs"},
    {"Slice", "f[10] i{0} i{5} i{0} i{0}", "", 1, "step of axis 0 is 0"},
    {"Slice", "f[10] i{0,1} i{5}", "", 1, "starts, ends, axes and steps differ in length"},
    {"Slice", "f[10] i{0} i{5} i{1}", "", 1, "axis 1 is out of range for rank 1"},
    {"Pad", "f[10] i{1}", "", 1, "pads does not have two elements per axis"},
    {"Pad", "f[10] i{-6,-6}", "", 1, "pads -6 and -6 do not fit dim 0 of 10"},
    {"Gather", "f[10] f[2]", "", 1, "indices are float32, expected int64 or int32"},
    {"GatherElements", "f[10,2] i[2]", "", 1, "indices have 1 dims, the input has 2"},
    {"Expand", "f[3] i{4}", "", 1, "shapes [3] and [4] do not broadcast"},
    {"Expand", "f[3] i{-4}", "", 1, "element 0 is -4"},
    {"Tile", "f[3] i{1,1}", "", 1, "repeats has 2 elements, expected 1"},
    {"GatherND", "f[4,5] i[2,3]", "", 1, "index tuples of 3 numbers, at most 2 dims are left"},
    {"GatherND", "f[4,5] i[2,1]", "batch_dims=2", 1,
     "batch_dims is 2, the input has 2 dims, the indices 2"},
    {"GatherND", "f[4,5] f[2,1]", "", 1, "indices are float32, expected int64 or int32"},
    {"ScatterElements", "f[4,5] i[2,2] f[2,3]", "", 1, "a dim of the updates is 3, expected 2"},
    {"ScatterElements", "f[4,5] i[2] f[2]", "", 1, "indices have 1 dims, the input has 2"},
    {"ScatterElements", "f[4,5] i[2,2] i[2,2]", "", 1, "updates are int64, the input is float32"},
    {"ScatterElements", "f[4,5] i[2,2] f[2,2]", "reduction=sum", 1,
     "attribute 'reduction' is \"sum\", which is no known choice"},
    {"ScatterND", "f[4,5] i[2,3] f[2]", "", 1, "index tuples of 3 numbers, the input has 2 dims"},
    {"ScatterND", "f[4,5] i[2,1] f[2]", "", 1, "updates have 1 dims, expected 2"},
    {"TensorScatter", "f[2,8,4] f[2,1,4]", "axis=0", 1, "axis 0 is the batch"},
    {"TensorScatter", "f[2,8,4] f[1,4]", "", 1, "the update has 2 dims, the cache 3"},
    {"TopK", "f[8] i{9}", "", 2, "k is 9, dim 0 has 8 elements"},
    {"TopK", "f[8] i{2}", "axis=1", 2, "axis 1 is out of range for rank 1"},
    {"Unique", "f[3,4]", "axis=2", 1, "axis 2 is out of range for rank 2"},
    {"Compress", "f[3,4] f[3]", "", 1, "condition is float32, expected bool"},
    {"NonMaxSuppression", "f[1,9,5] f[1,2,9]", "", 1, "boxes have 5 numbers, expected 4"},
    {"NonMaxSuppression", "f[1,9,4] f[1,2,8]", "", 1, "the number of scores is 8, expected 9"},
    {"ReverseSequence", "f[4,5] i[5]", "batch_axis=1 time_axis=1", 1,
     "batch_axis and time_axis are both 1"},
    {"ReverseSequence", "f[4,5] i[4]", "", 1, "sequence_lens has 4 elements, expected 5"},
    {"CenterCropPad", "f[4,5] i{3}", "", 1, "shape has 1 elements, expected 2"},
    {"CenterCropPad", "f[4,5] i{3}", "axes=[2]", 1, "axis 2 is out of range for rank 2"},
    {"CenterCropPad", "f[4,5] i{3,-1}", "", 1, "shape[1] is -1"},
    {"Col2Im", "f[1,5,16] i{6,6} i{3,3}", "", 1, "dim 1 of 5 is not divisible by a block of 9"},
    {"Col2Im", "f[1,9,16] i{6,6} i{3,3}", "strides=[1]", 1, "strides has 1 elements, expected 2"},
    {"GridSample", "f[1,3,8,8] f[1,5,6,3]", "", 1, "the grid has 3 numbers per point, expected 2"},
    {"GridSample", "f[1,3,8,8] f[2,5,6,2]", "", 1, "the batch is 1, expected 2"},
    {"AffineGrid", "f[1,2,3] i{1,1,4,5,6}", "", 1, "theta is [1,2,3], expected [N,3,4]"},
    {"AffineGrid", "f[1,2,3] i{1,1,4}", "", 1, "size has 3 elements, expected 4 or 5"},
    {"RoiAlign", "f[1,3,8,8] f[2,5] i[2]", "", 1, "regions have 5 numbers, expected 4"},
    {"MaxRoiPool", "f[1,3,8,8] f[2,5]", "pooled_shape=[2]", 1,
     "pooled_shape has 1 elements, expected 2"},
    {"ConstantOfShape", "i{-1}", "", 1, "dim 0 is -1"},
    {"ConstantOfShape", "i[2147483648]", "", 1, "shape has 2147483648 elements, at most 16 fit"},
    {"ConstantOfShape", "i{4294967296,4294967296,4294967296}", "", 1,
     "output 0 of shape [4294967296,4294967296,4294967296] has too many elements"},
    {"Range", "i(0) i(5) i(0)", "", 1, "delta is 0"},
    {"Range", "i(0) i(9000000000000) i(1)", "", 1, "9000000000000 steps are too many"},
    {"Resize", "f[1,1,4,4]", "", 1, "neither scales nor sizes are given"},
    {"Resize", "f[1,1,4,4] - c{1,1,2,2} i{1,1,8,8}", "", 1, "both scales and sizes are given"},
    {"Resize", "f[1,1,4,4] - c{1,1,2}", "", 1, "scales does not have 4 elements"},
    {"Resize", "f[1,1,4,4] - c{1,1,2,-1}", "", 1, "scales[3] is -1"},
    {"Resize", "f[1,1,4,4] - c{1,1,2,1e9}", "", 1, "scales[3] is 1e+09"},
    {"DepthToSpace", "f[1,6,4,4]", "blocksize=2", 1, "dim 1 of 6 is not divisible by 4"},
    {"MatMulInteger", "f[2,3] s[3,4]", "", 1, "operand a is float32, expected uint8 or int8"},
    {"MatMulInteger", "u[2,3] s[4,4]", "", 1, "inner dims 3 and 4 of [2,3] and [4,4] differ"},
    {"MatMulInteger", "u[2,3] s[3,4] s[]", "", 1, "input 0 is uint8, its zero point int8"},
    {"ConvInteger", "u[1,3,8,8] s[4,2,3,3]", "", 1,
     "input has 3 channels, weight expects 2"},
    {"ConvInteger", "u[1,3,8,8] s[4,3,3]", "", 1, "weight has 3 dims, expected 4"},
    {"QLinearConv", "u[1,3,8,8] f[] u[] f[4,3,3,3] f[] f[] f[] u[]", "", 1,
     "weight is float32, expected uint8 or int8"},
    {"QLinearMatMul", "u[2,3] f[] u[] s[3,4] f[] u[] f[] u[]", "", 1,
     "input 3 is int8, its zero point uint8"},
    {"DynamicQuantizeLinear", "i[3]", "", 1, "input is int64, expected float32"},
    {"com.microsoft.MatMulNBits", "f[7,60] u[10,2,16] f[20]", "K=64 N=10 block_size=32", 1,
     "input is [7,60], expected a last dim of 64"},
    {"com.microsoft.MatMulNBits", "f[7,64] u[10,2,16] f[20]", "K=64 N=10 bits=3 block_size=32", 1,
     "has 3 bits in blocks of 32, known are 2, 4 and 8 bits in blocks of a power of 2"},
    {"QuantizeLinear", "f[2,3] f[2] u[2]", "axis=1", 1, "2 scales for 3 indices of axis 1"},
    {"QuantizeLinear", "f[2,3] f[3] u[2]", "axis=1", 1, "scale is [3], zero point is [2]"},
    {"DequantizeLinear", "u[2,3] f[] s[]", "", 1, "input is uint8, the zero point is int8"},
};

static void test_messages(void **state)
{
    size_t wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const bad_case *c = &cases[i];
        char want[600];
        nnc_graph *g = case_graph(c->op, c->inputs, c->attrs, c->outputs);
        snprintf(want, sizeof want, "%s 'n': %s", c->op, c->message);
        nnc_error_clear();
        nnc_status status = nnc_node_bind(g, 0);
        status = status == NNC_OK ? nnc_graph_infer(g, NULL) : status;
        if (status != NNC_ERR_MODEL || strcmp(nnc_error_message(), want) != 0) {
            print_error("%s(%s) {%s}: %s: \"%s\", expected \"%s\"\n", c->op, c->inputs, c->attrs,
                        nnc_status_name(status), nnc_error_message(), want);
            wrong++;
        }
        nnc_graph_destroy(g);
    }
    assert_int_equal(wrong, 0);
}

static void test_duplicate_attribute(void **state)
{
    nnc_graph *g = case_graph("Gemm", "f[2,2] f[2,2]", "transA=1 transB=1", 1);
    (void)state;
    nnc_graph_node(g, 0)->attrs[1].name = "transA";
    assert_int_equal(nnc_node_bind(g, 0), NNC_ERR_MODEL);
    assert_string_equal(nnc_error_message(), "Gemm 'n': attribute 'transA' is given twice");
    nnc_graph_destroy(g);
}

static void test_nan_attribute(void **state)
{
    nnc_graph *g = case_graph("BatchNormalization", "f[1,1] f[1] f[1] f[1] f[1]", "epsilon~nan", 1);
    (void)state;
    assert_int_equal(nnc_node_bind(g, 0), NNC_ERR_MODEL);
    assert_string_equal(
        nnc_error_message(),
        "BatchNormalization 'n': attribute 'epsilon' is nan, expected -3.4e+38 to 3.4e+38");
    nnc_graph_destroy(g);
}

static void test_unknown_op_stays(void **state)
{
    nnc_graph *g = case_graph("Frobnicate", "f[1]", "anything=1", 1);
    (void)state;
    assert_int_equal(nnc_node_bind(g, 0), NNC_OK);
    assert_null(nnc_graph_node(g, 0)->op);
    assert_int_equal(nnc_graph_infer(g, NULL), NNC_OK);
    assert_false(nnc_graph_value(g, nnc_graph_output(g, 0))->has_shape);
    nnc_graph_destroy(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_duplicate_attribute),
        cmocka_unit_test(test_nan_attribute),
        cmocka_unit_test(test_unknown_op_stays),
    };
    return cmocka_run_group_tests_name("bad nodes", tests, NULL, NULL);
}
