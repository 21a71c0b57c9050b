/* Inference of every op: a table of inputs, attributes and expected outputs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include "node_case.h"
#include "ops/infer.h"

typedef struct infer_case {
    const char *op, *inputs, *attrs, *outputs;
} infer_case;

static const infer_case cases[] = {
    {"Conv", "f[N,3,32,32] f[16,3,3,3] f[16]", "pads=[1,1,1,1]", "f[N,16,32,32]"},
    {"Conv", "f[1,3,224,224] f[64,3,7,7]", "pads=[3,3,3,3] strides=[2,2]", "f[1,64,112,112]"},
    {"Conv", "f[1,32,10,10] f[32,1,3,3]", "group=32 dilations=[2,2]", "f[1,32,6,6]"},
    {"Conv", "f[1,4,H,W] f[8,4,3,3]", "pads=[1,1,1,1]", "f[1,8,H,W]"},
    {"Conv", "f[1,4,H,W] f[8,4,3,3]", "", "f[1,8,_,_]"},
    {"Conv", "f[1,4,9] f[8,4,3]", "auto_pad=SAME_UPPER strides=[2]", "f[1,8,5]"},
    {"Conv", "f[1,4,9,9] f[8,4,3,3]", "auto_pad=VALID strides=[2,2]", "f[1,8,4,4]"},
    {"Conv", "? f[8,4,3,3]", "", "f[_,8,_,_]"},
    {"ConvTranspose", "f[1,8,5,5] f[8,4,2,2]", "strides=[2,2]", "f[1,4,10,10]"},
    {"ConvTranspose", "f[1,8,5,5] f[8,2,3,3] f[4]",
     "group=2 strides=[2,2] pads=[1,1,1,1] output_padding=[1,1]", "f[1,4,10,10]"},
    {"ConvTranspose", "f[1,8,5,5] f[8,4,3,3]", "output_shape=[11,12] strides=[2,2]",
     "f[1,4,11,12]"},
    {"Conv", "f[N,4,5,9,9] f[8,4,3,3,3] f[8]", "pads=[1,1,1,1,1,1] strides=[1,2,2]", "f[N,8,5,5,5]"},
    {"ConvTranspose", "f[1,8,3,5,5] f[8,4,2,2,2]", "strides=[2,2,2] auto_pad=SAME_LOWER", "f[1,4,6,10,10]"},
    {"Einsum", "f[N,3,4] f[N,4,5]", "equation=bij,bjk->bik", "f[N,3,5]"},
    {"Einsum", "f[3,4] f[4,5] f[5,N]", "equation=ab,bc,cd", "f[3,N]"},
    {"Einsum", "f[N,4,4]", "equation=...ii->...i", "f[N,4]"},
    {"Einsum", "f[2,1,3,4] f[5,4,6]", "equation=...ij,...jk->...ik", "f[2,5,3,6]"},
    {"Einsum", "f[3,4]", "equation=ij->", "f[]"},
    {"Einsum", "f[3,4]", "equation=ba", "f[4,3]"},
    {"DFT", "f[2,N,10,1]", "", "f[2,N,10,2]"},
    {"DFT", "f[2,10,1] - i(1)", "onesided=1", "f[2,6,2]"},
    {"DFT", "f[2,6,2] - i(1)", "onesided=1 inverse=1", "f[2,10,1]"},
    {"DFT", "f[2,10,2] i(16)", "inverse=1", "f[2,16,2]"},
    {"STFT", "f[N,128,1] i(8) f[16]", "", "f[N,15,9,2]"},
    {"STFT", "f[2,128,2] i(8) - i(32)", "onesided=0", "f[2,13,32,2]"},
    {"NegativeLogLikelihoodLoss", "f[N,5,4] i[N,4]", "reduction=none", "f[N,4]"},
    {"NegativeLogLikelihoodLoss", "f[N,5] i[N] f[5]", "ignore_index=-1", "f[]"},
    {"SoftmaxCrossEntropyLoss", "f[N,5,4] i[N,4]", "reduction=sum", "f[] f[N,5,4]"},
    {"LpNormalization", "f[N,5,4]", "axis=1 p=1", "f[N,5,4]"},
    {"MeanVarianceNormalization", "f[N,5,4,4]", "", "f[N,5,4,4]"},
    {"Hardmax", "f[N,5]", "axis=0", "f[N,5]"},
    {"DeformConv", "f[N,4,8,8] f[6,2,3,3] f[N,18,6,6] f[6]", "group=2", "f[N,6,6,6]"},
    {"CausalConvWithState", "f[N,4,T] f[4,1,3] f[4] f[N,4,2]", "activation=silu", "f[N,4,T] f[N,4,2]"},
    {"LinearAttention", "f[N,T,32] f[N,T,16] f[N,T,8] - f[N,T,2] f[N,T,1]", "q_num_heads=4 kv_num_heads=2",
     "f[N,T,16] f[N,2,8,4]"},
    {"Gemm", "f[N,64] f[10,64] f[10]", "transB=1", "f[N,10]"},
    {"Gemm", "f[64,N] f[64,10]", "transA=1", "f[N,10]"},
    {"MatMul", "f[B,4,5] f[5,6]", "", "f[B,4,6]"},
    {"MatMul", "f[2,1,4,5] f[3,5,6]", "", "f[2,3,4,6]"},
    {"MatMul", "f[5] f[5,6]", "", "f[6]"},
    {"MatMul", "f[4,5] f[5]", "", "f[4]"},
    {"BatchNormalization", "f[N,8,4,4] f[8] f[8] f[8] f[8]", "", "f[N,8,4,4]"},
    {"Relu", "f[N,8]", "", "f[N,8]"},
    {"Clip", "f[N,8] c(0) c(6)", "", "f[N,8]"},
    {"LeakyRelu", "f[2]", "alpha~0.1", "f[2]"},
    {"PRelu", "f[N,8,2,2] f[8,1,1]", "", "f[N,8,2,2]"},
    {"Elu", "f[2]", "", "f[2]"},
    {"Selu", "f[2]", "", "f[2]"},
    {"Celu", "f[2]", "", "f[2]"},
    {"Sigmoid", "f[2]", "", "f[2]"},
    {"HardSigmoid", "f[2]", "", "f[2]"},
    {"HardSwish", "f[2]", "", "f[2]"},
    {"Swish", "f[2]", "", "f[2]"},
    {"Tanh", "f[2]", "", "f[2]"},
    {"Softplus", "f[2]", "", "f[2]"},
    {"Softsign", "f[2]", "", "f[2]"},
    {"Gelu", "f[2]", "approximate=tanh", "f[2]"},
    {"Mish", "f[2]", "", "f[2]"},
    {"ThresholdedRelu", "f[2]", "", "f[2]"},
    {"Erf", "f[2]", "", "f[2]"},
    {"Exp", "f[2]", "", "f[2]"},
    {"Log", "f[2]", "", "f[2]"},
    {"Sqrt", "f[2]", "", "f[2]"},
    {"Reciprocal", "f[2]", "", "f[2]"},
    {"Abs", "f[2]", "", "f[2]"},
    {"If", "b[] f[2,N]", "nnc_captures=1 then_branch=@1:0 else_branch=@1:0", "f[2,N]"},
    {"If", "b[] f[2,N] f[3,N]", "nnc_captures=2 then_branch=@2:0 else_branch=@2:1", "f[_,N]"},
    {"If", "b[] f[2,N] f[3]", "nnc_captures=2 then_branch=@2:0 else_branch=@2:1", "f?"},
    {"Loop", "i(3) - f[2,N]", "body=@3:1,2,2", "f[2,N] f[3,2,N]"},
    {"Loop", "i[] - f[2,N]", "body=@3:1,2,2", "f[2,N] f[_,2,N]"},
    {"Loop", "i[] b[] f[2,N] f[3,N]", "body=@4:1,3,2", "f[_,N] f[_,N]"},
    {"Loop", "i[] b[] f[2] f[3,4]", "body=@4:1,3,2", "f? f?"},
    {"Loop", "i[] b[] f[2,N]", "nnc_captures=1 body=@3:1,2", "f[_,2,N]"},
    {"Scan", "f[N] f[5,N]", "num_scan_inputs=1 body=@2:0,1", "f[N] f[5,N]"},
    {"Scan", "f[4,T,8]", "num_scan_inputs=1 scan_input_axes=[1] scan_output_axes=[-1] body=@1:0",
     "f[4,8,T]"},
    {"SequenceConstruct", "f[2] f[3,4]", "", "u[sequence(float32)]"},
    {"SequenceEmpty", "", "dtype=7", "u[sequence(int64)]"},
    {"SequenceInsert", "u[sequence(float32)] f[2]", "", "u[sequence(float32)]"},
    {"SequenceErase", "u[sequence(float32)] i[]", "", "u[sequence(float32)]"},
    {"SequenceAt", "u[sequence(int64)] i[]", "", "i?"},
    {"SequenceLength", "u[sequence(float32)]", "", "i[]"},
    {"SplitToSequence", "f[4,N]", "axis=1", "u[sequence(float32)]"},
    {"ConcatFromSequence", "u[sequence(float32)]", "axis=0", "f?"},
    {"OptionalHasElement", "f[2]", "", "b[]"},
    {"OptionalHasElement", "u[sequence(float32)]", "", "b[]"},
    {"OptionalGetElement", "f[2,N]", "", "f[2,N]"},
    {"OptionalGetElement", "u[sequence(float32)]", "", "f?"},
    {"Neg", "f[2]", "", "f[2]"},
    {"TfIdfVectorizer", "i[N,6]",
     "mode=TF min_gram_length=1 max_gram_length=1 max_skip_count=0 ngram_counts=[0] ngram_indexes=[0,2] pool_int64s=[5,7]",
     "f[N,3]"},
    {"Acos", "f[2]", "", "f[2]"},
    {"Acosh", "f[2]", "", "f[2]"},
    {"Asin", "f[2]", "", "f[2]"},
    {"Asinh", "f[2]", "", "f[2]"},
    {"Atan", "f[2]", "", "f[2]"},
    {"Atanh", "f[2]", "", "f[2]"},
    {"Cosh", "f[2]", "", "f[2]"},
    {"Sinh", "f[2]", "", "f[2]"},
    {"Tan", "f[2]", "", "f[2]"},
    {"Shrink", "f[2]", "lambd~1.5 bias~0.5", "f[2]"},
    {"BitwiseNot", "i[2]", "", "i[2]"},
    {"BitwiseAnd", "h[N,1] h[3]", "", "h[N,3]"},
    {"BitwiseOr", "u[2] u[2]", "", "u[2]"},
    {"BitwiseXor", "s[2] s[1]", "", "s[2]"},
    {"BitShift", "u[4] u[4]", "direction=LEFT", "u[4]"},
    {"SwiGLU", "f[N,8] f[N,8]", "alpha~1.5", "f[N,8]"},
    {"CastLike", "f[N,3] i[1]", "", "i[N,3]"},
    {"CastLike", "? u[]", "", "u?"},
    {"BitCast", "f[N,3]", "to=6", "h[N,3]"},
    {"CumProd", "f[N,10] i(1)", "reverse=1", "f[N,10]"},
    {"Hardmax", "f[N,10]", "axis=0", "f[N,10]"},
    {"OneHot", "i[N,3] i(10) f[2]", "", "f[N,3,10]"},
    {"OneHot", "f[N,3] i(10) u[2]", "axis=0", "u[10,N,3]"},
    {"OneHot", "f[N,3] i[] u[2]", "axis=1", "u[N,_,3]"},
    {"EyeLike", "f[N,3]", "dtype=7 k=1", "i[N,3]"},
    {"Trilu", "f[N,3,4] i(1)", "upper=0", "f[N,3,4]"},
    {"Det", "f[N,3,3]", "", "f[N]"},
    {"RandomNormal", "", "shape=[2,3]", "f[2,3]"},
    {"RandomUniform", "", "shape=[2,3] high~2", "f[2,3]"},
    {"RandomNormalLike", "f[N,3]", "seed~1", "f[N,3]"},
    {"RandomUniformLike", "i[N,3]", "dtype=1", "f[N,3]"},
    {"Bernoulli", "f[N,3]", "dtype=9", "b[N,3]"},
    {"Multinomial", "f[N,3]", "sample_size=5", "h[N,5]"},
    {"HannWindow", "i(10)", "", "f[10]"},
    {"HammingWindow", "i[]", "", "f[_]"},
    {"BlackmanWindow", "i(4)", "periodic=0 output_datatype=7", "i[4]"},
    {"MelWeightMatrix", "i(8) i(16) i(8192) c(0) c(4000)", "", "f[9,8]"},
    {"NonZero", "f[N,4]", "", "i[2,_]"},
    {"NonZero", "b[]", "", "i[0,_]"},
    {"NonZero", "?", "", "i[_,_]"},
    {"Floor", "f[2]", "", "f[2]"},
    {"Ceil", "f[2]", "", "f[2]"},
    {"Round", "f[2]", "", "f[2]"},
    {"Sign", "f[2]", "", "f[2]"},
    {"Sin", "f[2]", "", "f[2]"},
    {"Cos", "f[2]", "", "f[2]"},
    {"Not", "b[2]", "", "b[2]"},
    {"IsNaN", "f[2]", "", "b[2]"},
    {"IsInf", "f[2]", "", "b[2]"},
    {"Add", "f[N,8,4,4] f[8,1,1]", "", "f[N,8,4,4]"},
    {"Add", "f[N,1] f[4]", "", "f[N,4]"},
    {"Sub", "f[N,8] f[N,8]", "", "f[N,8]"},
    {"Mul", "f[N,8,4,4] f[N,8,1,1]", "", "f[N,8,4,4]"},
    {"Div", "i[3] i[1]", "", "i[3]"},
    {"Pow", "f[3] i[1]", "", "f[3]"},
    {"Mod", "i[3] i[3]", "", "i[3]"},
    {"Min", "f[3,1] f[1,4] f[4]", "", "f[3,4]"},
    {"Max", "f[3,1]", "", "f[3,1]"},
    {"Sum", "f[3,1] f[1,4]", "", "f[3,4]"},
    {"Mean", "f[3,1] f[1,4]", "", "f[3,4]"},
    {"Equal", "i[3] i[1]", "", "b[3]"},
    {"Less", "f[3] f[1]", "", "b[3]"},
    {"LessOrEqual", "f[3] f[1]", "", "b[3]"},
    {"Greater", "f[3] f[1]", "", "b[3]"},
    {"GreaterOrEqual", "f[3] f[1]", "", "b[3]"},
    {"And", "b[3] b[1]", "", "b[3]"},
    {"Or", "b[3] b[1]", "", "b[3]"},
    {"Xor", "b[3] b[1]", "", "b[3]"},
    {"Where", "b[3,1] f[4] f[1]", "", "f[3,4]"},
    {"MaxPool", "f[N,8,9,9]", "kernel_shape=[3,3] strides=[2,2] pads=[1,1,1,1]", "f[N,8,5,5]"},
    {"MaxPool", "f[N,8,8,8]", "kernel_shape=[3,3] strides=[2,2] ceil_mode=1", "f[N,8,4,4]"},
    {"MaxPool", "f[N,8,8,8]", "kernel_shape=[2,2]", "f[N,8,7,7] i[N,8,7,7]"},
    /* A window that would start in the end padding alone is dropped. */
    {"AveragePool", "f[1,1,4,4]", "kernel_shape=[2,2] strides=[3,3] pads=[0,0,1,1] ceil_mode=1",
     "f[1,1,2,2]"},
    {"AveragePool", "f[1,1,4,4]", "kernel_shape=[1,1] strides=[2,2] pads=[1,1,1,1] ceil_mode=1",
     "f[1,1,3,3]"},
    {"MaxPool", "f[N,8,9,8,7]", "kernel_shape=[3,2,2] strides=[2,2,1] pads=[1,0,0,1,0,0]",
     "f[N,8,5,4,6] i[N,8,5,4,6]"},
    {"LpPool", "f[N,8,9]", "kernel_shape=[3] p=3", "f[N,8,7]"},
    {"LpPool", "f[N,8,9,9]", "kernel_shape=[2,2] auto_pad=SAME_LOWER strides=[2,2]", "f[N,8,5,5]"},
    {"GlobalLpPool", "f[N,8,7,7,7]", "p=1", "f[N,8,1,1,1]"},
    {"MaxUnpool", "f[N,8,3,3] i[N,8,3,3]", "kernel_shape=[2,2] strides=[2,2]", "f[N,8,6,6]"},
    {"MaxUnpool", "f[1,1,2,2] i[1,1,2,2] i{1,1,5,5}", "kernel_shape=[2,2] strides=[2,2]",
     "f[1,1,5,5]"},
    {"MaxUnpool", "f[1,1,2,2] i[1,1,2,2] i[4]", "kernel_shape=[2,2]", "f[_,_,_,_]"},
    {"GlobalAveragePool", "f[N,8,7,7]", "", "f[N,8,1,1]"},
    {"GlobalMaxPool", "f[N,8,H,W]", "", "f[N,8,1,1]"},
    {"LRN", "f[1,8,4,4]", "size=5", "f[1,8,4,4]"},
    {"InstanceNormalization", "f[1,8,4,4] f[8] f[8]", "", "f[1,8,4,4]"},
    {"GroupNormalization", "f[1,8,4,4] f[8] f[8]", "num_groups=2", "f[1,8,4,4]"},
    {"LayerNormalization", "f[N,4,8] f[8] f[8]", "axis=-1", "f[N,4,8]"},
    {"LayerNormalization", "f[N,4,8] f[8]", "", "f[N,4,8] f[N,4,1] f[N,4,1]"},
    {"RMSNormalization", "f[N,4,8] f[8]", "", "f[N,4,8]"},
    {"Softmax", "f[N,10]", "", "f[N,10]"},
    {"LogSoftmax", "f[N,10]", "axis=0", "f[N,10]"},
    {"ReduceMean", "f[N,8,4,4] i{2,3}", "keepdims=0", "f[N,8]"},
    {"ReduceMean", "f[N,8,4,4] i{-1,-2}", "", "f[N,8,1,1]"},
    {"ReduceSum", "f[N,8,4]", "", "f[1,1,1]"},
    {"ReduceSum", "f[N,8,4]", "noop_with_empty_axes=1", "f[N,8,4]"},
    {"ReduceMax", "f[N,8] i{1}", "keepdims=0", "f[N]"},
    {"ReduceMin", "f[N,8] i[K]", "", "f[_,_]"},
    {"ReduceProd", "f[8]", "keepdims=0", "f[]"},
    {"ReduceL1", "f[2,3] i{0}", "", "f[1,3]"},
    {"ReduceL2", "f[2,3] i{0}", "", "f[1,3]"},
    {"ReduceSumSquare", "f[2,3] i{0}", "", "f[1,3]"},
    {"ReduceLogSum", "f[2,3] i{0}", "", "f[1,3]"},
    {"ReduceLogSumExp", "f[2,3] i{0}", "", "f[1,3]"},
    {"ArgMax", "f[N,10]", "axis=1 keepdims=0", "i[N]"},
    {"ArgMin", "f[N,10]", "axis=-1", "i[N,1]"},
    {"CumSum", "f[N,10] i(1)", "", "f[N,10]"},
    {"Reshape", "f[N,8,4,4] i{0,-1}", "", "f[N,128]"},
    {"Reshape", "f[N,8,4,4] i{-1,128}", "", "f[N,128]"},
    {"Reshape", "f[2,3,4] i{0,0,2,2}", "", "f[2,3,2,2]"},
    {"Reshape", "f[N,8] i[3]", "", "f[_,_,_]"},
    {"Reshape", "f[0,8] i{0,4}", "allowzero=1", "f[0,4]"},
    {"Flatten", "f[N,8,4,4]", "", "f[N,128]"},
    {"Flatten", "f[2,3,4]", "axis=0", "f[1,24]"},
    {"Flatten", "f[2,3,4]", "axis=-1", "f[6,4]"},
    {"Squeeze", "f[N,8,1,1] i{2,3}", "", "f[N,8]"},
    {"Squeeze", "f[1,8,1]", "", "f[8]"},
    {"Unsqueeze", "f[N,8] i{0,-1}", "", "f[1,N,8,1]"},
    {"Transpose", "f[N,3,4,5]", "perm=[0,2,3,1]", "f[N,4,5,3]"},
    {"Transpose", "f[2,3,4]", "", "f[4,3,2]"},
    {"Concat", "f[N,8,4] f[N,16,4]", "axis=1", "f[N,24,4]"},
    {"Concat", "f[N,8] f[N,K]", "axis=-1", "f[N,_]"},
    {"Split", "f[N,10] i{3,7}", "axis=1", "f[N,3] f[N,7]"},
    {"Split", "f[N,10]", "axis=1 num_outputs=3", "f[N,4] f[N,4] f[N,2]"},
    {"Split", "f[N,K]", "axis=1 num_outputs=2", "f[N,_] f[N,_]"},
    {"Slice", "f[N,10,8] i{2,0} i{-1,100} i{1,2} i{1,2}", "", "f[N,7,4]"},
    {"Slice", "f[10] i{-1} i{-100} i{0} i{-1}", "", "f[10]"},
    {"Slice", "f[10] i{8} i{2} i{0} i{-3}", "", "f[2]"},
    {"Slice", "f[N,4] i{0} i{9223372036854775807}", "", "f[N,4]"},
    {"Slice", "f[N,4] i[1] i[1] i{1}", "", "f[N,_]"},
    {"Pad", "f[N,3,4,4] i{0,0,1,1,0,0,2,2}", "", "f[N,3,7,7]"},
    {"Pad", "f[N,3,4,4] i{1,2} - i{-1}", "", "f[N,3,4,7]"},
    {"Gather", "f[100,16] i[N,7]", "", "f[N,7,16]"},
    {"Gather", "f[N,16] i(3)", "axis=1", "f[N]"},
    {"GatherElements", "f[3,4] i[2,4]", "", "f[2,4]"},
    {"Expand", "f[3,1] i{2,1,4}", "", "f[2,3,4]"},
    {"Tile", "f[N,3] i{1,4}", "", "f[N,12]"},
    {"GatherND", "f[4,5,6] i[N,2]", "", "f[N,6]"},
    {"Unsqueeze", "f[3,4] i[2]", "", "f[_,_,_,_]"},
    {"Squeeze", "f[1,3,1] i[2]", "", "f[_]"},
    {"GatherND", "f[2,5,6] i[2,3,1]", "batch_dims=1", "f[2,3,6]"},
    {"GatherND", "f[4,5] i[3,7,0]", "", "f[3,7,4,5]"},
    {"GatherND", "f[4,5] i[3,K]", "", "f?"},
    {"ScatterElements", "f[N,4] i[2,2] f[2,2]", "axis=-1 reduction=add", "f[N,4]"},
    {"ScatterND", "f[4,5,6] i[N,1] f[N,5,6]", "reduction=max", "f[4,5,6]"},
    {"TensorScatter", "f[2,8,16,4] f[2,8,1,4] i[2]", "mode=circular", "f[2,8,16,4]"},
    {"TopK", "f[N,100] i{5}", "", "f[N,5] i[N,5]"},
    {"TopK", "f[8,100] i[1]", "axis=0 largest=0", "f[_,100] i[_,100]"},
    {"Unique", "f[3,4]", "", "f[_] i[_] i[_] i[_]"},
    {"Unique", "i[3,4]", "axis=-1 sorted=0", "i[3,_]"},
    {"Compress", "f[3,4] b[2]", "axis=1", "f[3,_]"},
    {"Compress", "u[3,4] b[9]", "", "u[_]"},
    {"NonMaxSuppression", "f[N,100,4] f[N,80,100] i(10) c(0.5)", "", "i[_,3]"},
    {"ReverseSequence", "f[T,N,8] i[N]", "", "f[T,N,8]"},
    {"CenterCropPad", "f[20,8,3] i{10,9}", "axes=[0,-2]", "f[10,9,3]"},
    {"CenterCropPad", "f[20,8] i[2]", "", "f[_,_]"},
    {"Col2Im", "f[N,18,16] i{6,6} i{3,3}", "", "f[N,2,6,6]"},
    {"Col2Im", "f[1,5,5] i[2] i{1,5}", "", "f[1,1,_,_]"},
    {"GridSample", "f[N,3,8,8] f[N,5,6,2]", "align_corners=1", "f[N,3,5,6]"},
    {"GridSample", "f[1,3,8,8,8] f[1,4,5,6,3]", "mode=nearest", "f[1,3,4,5,6]"},
    {"AffineGrid", "f[N,2,3] i{2,3,5,6}", "", "f[2,5,6,2]"},
    {"AffineGrid", "f[N,3,4] i[5]", "", "f[N,_,_,_,3]"},
    {"RoiAlign", "f[1,16,32,32] f[R,4] i[R]", "output_height=7 output_width=7", "f[R,16,7,7]"},
    {"MaxRoiPool", "f[1,16,32,32] f[R,5]", "pooled_shape=[3,4]", "f[R,16,3,4]"},
    {"Shape", "f[N,3,4]", "", "i[3]"},
    {"Shape", "f[N,3,4]", "start=1 end=-1", "i[1]"},
    {"Size", "f[2,3]", "", "i[]"},
    {"ConstantOfShape", "i{2,3}", "", "f[2,3]"},
    {"Range", "i(0) i(10) i(3)", "", "i[4]"},
    {"Range", "c(1) c(0) c(-0.25)", "", "f[4]"},
    {"Cast", "f[N]", "to=7", "i[N]"},
    {"Identity", "f[N]", "", "f[N]"},
    {"Dropout", "f[N]", "", "f[N] b[N]"},
    {"Resize", "f[N,3,4,4] - c{1,1,2,2}", "", "f[N,3,8,8]"},
    {"Resize", "f[N,3,4,4] - - i{1,3,10,12}", "", "f[1,3,10,12]"},
    {"Resize", "f[1,3,4,8] - - i{8,8}", "axes=[2,3] keep_aspect_ratio_policy=not_larger",
     "f[1,3,4,8]"},
    {"DepthToSpace", "f[N,8,2,3]", "blocksize=2", "f[N,2,4,6]"},
    {"SpaceToDepth", "f[N,2,4,6]", "blocksize=2", "f[N,8,2,3]"},
    {"QuantizeLinear", "f[N,3] c(0.5)", "", "u[N,3]"},
    {"DynamicQuantizeLinear", "f[N,3,4]", "", "u[N,3,4] f[] u[]"},
    {"DynamicQuantizeLinear", "f[2,3]", "", "u[2,3]"},
    {"MatMulInteger", "u[B,4,5] s[5,6] u[] s[6]", "", "h[B,4,6]"},
    {"MatMulInteger", "u[2,1,4,5] u[3,5,6]", "", "h[2,3,4,6]"},
    {"ConvInteger", "u[N,3,8,8] s[4,3,3,3] u[]", "pads=[1,1,1,1]", "h[N,4,8,8]"},
    {"ConvInteger", "s[1,3,9] s[4,3,3]", "strides=[2]", "h[1,4,4]"},
    {"QLinearMatMul", "u[B,4,5] f[] u[] s[5,6] f[6] s[6] f[] s[]", "", "s[B,4,6]"},
    {"QLinearConv", "u[1,4,8,8] f[] u[] s[6,2,3,3] f[6] s[6] f[] u[] h[6]", "group=2",
     "u[1,6,6,6]"},
    {"com.microsoft.MatMulNBits", "f[B,7,64] u[10,2,16] f[20]", "K=64 N=10 bits=4 block_size=32",
     "f[B,7,10]"},
    {"QuantizeLinear", "f[N,3] f[3] s[3]", "axis=1", "s[N,3]"},
    {"DequantizeLinear", "u[N,3] f[] u[]", "", "f[N,3]"},
    {"Attention", "f[N,4,L,8] f[N,2,S,8] f[N,2,S,6] - f[N,2,P,8] f[N,2,P,6]", "",
     "f[N,4,L,6] f[N,2,_,8] f[N,2,_,6] f[N,4,L,_]"},
    {"Attention", "f[N,5,32] f[N,7,16] f[N,7,12]", "q_num_heads=4 kv_num_heads=2",
     "f[N,5,24] f[N,2,7,8] f[N,2,7,6] f[N,4,5,7]"},
    {"com.microsoft.GroupQueryAttention", "f[N,1,32] f[N,1,16] f[N,1,16] f[N,2,P,8] f[N,2,P,8] h[N] h[]",
     "num_heads=4 kv_num_heads=2", "f[N,1,32] f[N,2,_,8] f[N,2,_,8]"},
    {"RotaryEmbedding", "f[N,4,L,8] f[50,4] f[50,4] i[N,L]", "", "f[N,4,L,8]"},
    {"LSTM", "f[T,N,6] f[1,32,6] f[1,32,8] f[1,64] - - - f[1,24]", "", "f[T,1,N,8] f[1,N,8] f[1,N,8]"},
    {"LSTM", "f[N,T,6] f[2,32,6] f[2,32,8] - h[N]", "direction=bidirectional layout=1",
     "f[N,T,2,8] f[N,2,8] f[N,2,8]"},
    {"GRU", "f[T,N,6] f[1,24,6] f[1,24,8]", "direction=reverse", "f[T,1,N,8] f[1,N,8]"},
    {"GRU", "? f[1,24,6] f[1,24,8]", "", "f[_,1,_,8] f[1,_,8]"},
    {"RNN", "f[5,2,6] f[1,8,6] f[1,8,8]", "", "f[5,1,2,8] f[1,2,8]"},
    {"Relu", "?", "", "f?"},
};

static nnc_status infer_case_run(nnc_graph *g)
{
    NNC_TRY(nnc_node_bind(g, 0));
    return nnc_graph_infer(g, NULL);
}

static uint32_t count_words(const char *text)
{
    uint32_t n = 1;
    for (; *text; text++) {
        n += *text == ' ';
    }
    return n;
}

static void test_table(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const infer_case *c = &cases[i];
        uint32_t outputs = count_words(c->outputs);
        nnc_graph *g = case_graph(c->op, c->inputs, c->attrs, outputs);
        nnc_str text = {0};
        if (infer_case_run(g) != NNC_OK) {
            nnc_str_append(&text, nnc_error_message());
        } else {
            for (uint32_t k = 0; k < outputs; k++) {
                nnc_str_append(&text, k > 0 ? " " : "");
                case_describe(&text, g, nnc_graph_output(g, k));
            }
        }
        if (strcmp(nnc_str_get(&text), c->outputs) != 0) {
            print_error("%s(%s) {%s}: %s, expected %s\n", c->op, c->inputs, c->attrs,
                        nnc_str_get(&text), c->outputs);
            wrong++;
        }
        /* A second inference finds nothing new. */
        size_t contradictions = 7;
        assert_int_equal(nnc_graph_infer(g, &contradictions), NNC_OK);
        assert_int_equal(contradictions, 0);
        nnc_str_deinit(&text);
        nnc_graph_destroy(g);
    }
    assert_int_equal(wrong, 0);
}

/* Every op of the table is inferred by some case (nnc.Quant is tested with its annotation). */
static void test_every_op_has_a_case(void **state)
{
    (void)state;
    for (size_t i = 0; nnc_op_row(i); i++) {
        bool found = strcmp(nnc_op_row(i)->domain, "nnc") == 0;
        char name[80];
        snprintf(name, sizeof name, "%s%s%s", nnc_op_row(i)->domain,
                 nnc_op_row(i)->domain[0] ? "." : "", nnc_op_row(i)->name);
        for (size_t k = 0; !found && k < sizeof cases / sizeof cases[0]; k++) {
            found = strcmp(cases[k].op, name) == 0;
        }
        if (!found) {
            print_error("no inference case for %s\n", nnc_op_row(i)->name);
        }
        assert_true(found);
    }
}

static nnc_value_id add_node(nnc_graph *g, const char *op, const nnc_value_id *in, uint32_t count)
{
    nnc_value_id y;
    nnc_node_id n;
    assert_int_equal(nnc_graph_add_value(&y, g, "t", NNC_VALUE_TEMP, NNC_DTYPE_UNDEFINED, NULL),
                     NNC_OK);
    assert_int_equal(nnc_graph_add_node(&n, g, "", "", op, in, count, &y, 1), NNC_OK);
    nnc_graph_node(g, n)->op = nnc_op_find("", op);
    return y;
}

static nnc_value_id ints(nnc_graph *g, int64_t a, bool scalar)
{
    nnc_value_id v;
    assert_int_equal(nnc_graph_add_const_i64(&v, g, "i", &a, 1, scalar), NNC_OK);
    return v;
}

/* x [N,8,4,4] -> Reshape(x, concat(unsqueeze(gather(shape(x), 0)), [gather(shape(x), 1) * 2],
 * [-1])) = [N,16,8] */
static void test_shape_arithmetic(void **state)
{
    nnc_graph *g = case_graph("Shape", "f[N,8,4,4]", "", 1);
    (void)state;
    nnc_graph_node(g, 0)->op = nnc_op_find("", "Shape");
    nnc_value_id shape = nnc_graph_node(g, 0)->outputs[0], x = nnc_graph_input(g, 0);
    nnc_value_id n = add_node(g, "Gather", (nnc_value_id[]){shape, ints(g, 0, true)}, 2);
    nnc_value_id n1 = add_node(g, "Unsqueeze", (nnc_value_id[]){n, ints(g, 0, false)}, 2);
    nnc_value_id c = add_node(g, "Gather", (nnc_value_id[]){shape, ints(g, -3, false)}, 2);
    nnc_value_id c2 = add_node(g, "Mul", (nnc_value_id[]){c, ints(g, 2, false)}, 2);
    nnc_value_id parts[3] = {n1, c2, ints(g, -1, false)};
    nnc_value_id target = add_node(g, "Concat", parts, 3);
    assert_int_equal(nnc_node_set_int(g, nnc_graph_value(g, target)->producer, "axis", 0), NNC_OK);
    nnc_value_id y = add_node(g, "Reshape", (nnc_value_id[]){x, target}, 2);
    assert_int_equal(nnc_graph_infer(g, NULL), NNC_OK);
    nnc_str text = {0};
    case_describe(&text, g, y);
    assert_string_equal(nnc_str_get(&text), "f[N,16,8]");
    nnc_str_deinit(&text);
    nnc_graph_destroy(g);
}

/* Stale value_info: inference wins and the contradiction is counted; a recorded number does not
 * replace an unknown. */
static void test_stale_value_info(void **state)
{
    nnc_graph *g = case_graph("Relu", "f[4,8]", "", 1);
    size_t contradictions;
    (void)state;
    nnc_graph_node(g, 0)->op = nnc_op_find("", "Relu");
    nnc_value *y = nnc_graph_value(g, nnc_graph_output(g, 0));
    y->has_shape = true;
    y->shape = (nnc_shape){.rank = 2, .dims = {1, 8}};
    y->dtype = NNC_DTYPE_FLOAT;
    assert_int_equal(nnc_graph_infer(g, &contradictions), NNC_OK);
    assert_int_equal(contradictions, 1);
    assert_int_equal(nnc_graph_value(g, nnc_graph_output(g, 0))->shape.dims[0], 4);
    nnc_graph_destroy(g);
    g = case_graph("Reshape", "f[N,8] i[2]", "", 1);
    nnc_graph_node(g, 0)->op = nnc_op_find("", "Reshape");
    y = nnc_graph_value(g, nnc_graph_output(g, 0));
    y->has_shape = true;
    y->shape = (nnc_shape){.rank = 2, .dims = {1, 8}};
    assert_int_equal(nnc_graph_infer(g, &contradictions), NNC_OK);
    assert_int_equal(contradictions, 0);
    assert_true(nnc_graph_value(g, nnc_graph_output(g, 0))->shape.dims[0] < 0);
    nnc_graph_destroy(g);
}

static void test_quant_needs_an_annotation(void **state)
{
    nnc_graph *g = case_graph("nnc.Quant", "f[N,8]", "", 1);
    const float scale = 0.5f;
    nnc_qparams *q;
    (void)state;
    assert_int_equal(infer_case_run(g), NNC_ERR_MODEL);
    assert_int_equal(nnc_qparams_create(&q, NNC_DTYPE_UINT8, -1, 1, &scale, NULL), NNC_OK);
    nnc_value_set_qparams(nnc_graph_value(g, nnc_graph_output(g, 0)), q);
    assert_int_equal(infer_case_run(g), NNC_OK);
    nnc_graph_destroy(g);
}

static nnc_status count_known(void *user, nnc_value_id value, const int64_t *data, size_t count, bool scalar)
{
    (void)value;
    (void)data;
    (void)count;
    (void)scalar;
    ++*(size_t *)user;
    return NNC_OK;
}

/* An op of its input's type and shape does not have its contents: only Identity does. */
static void test_contents_of_lists(void **state)
{
    (void)state;
    static const infer_case changing[] = {
        {"Abs", "i{-1,2}", "", ""},
        {"Sign", "i{-1,2}", "", ""},
        {"Relu", "i{-1,2}", "", ""},
        {"BitwiseNot", "i{-1,2}", "", ""},
        {"Clip", "i{-1,2} i(0)", "", ""},
        {"CumSum", "i{1,2} i(0)", "exclusive=1", ""},
        {"ReduceSumSquare", "i{1,2} i{}", "noop_with_empty_axes=1", ""},
        {"ScatterElements", "i{1,2} i{0} i{7}", "", ""},
    };
    for (size_t i = 0; i < sizeof changing / sizeof *changing; i++) {
        size_t known = 0;
        nnc_graph *g = case_graph(changing[i].op, changing[i].inputs, changing[i].attrs, 1);
        assert_int_equal(nnc_node_bind(g, 0), NNC_OK);
        if (nnc_graph_infer_known(g, NULL, count_known, &known) != NNC_OK || known != 0) {
            fail_msg("%s: %zu known values: %s", changing[i].op, known, nnc_error_message());
        }
        nnc_graph_destroy(g);
    }
    size_t known = 0;
    nnc_graph *g = case_graph("Identity", "i{-1,2}", "", 1);
    assert_int_equal(nnc_node_bind(g, 0), NNC_OK);
    assert_int_equal(nnc_graph_infer_known(g, NULL, count_known, &known), NNC_OK);
    assert_int_equal(known, 1);
    nnc_graph_destroy(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_every_op_has_a_case),
        cmocka_unit_test(test_shape_arithmetic),
        cmocka_unit_test(test_contents_of_lists),
        cmocka_unit_test(test_stale_value_info),
        cmocka_unit_test(test_quant_needs_an_annotation),
    };
    return cmocka_run_group_tests_name("infer", tests, NULL, NULL);
}
