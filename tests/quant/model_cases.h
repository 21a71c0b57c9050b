/* Trained models with data, where the shared material is present. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_QUANT_MODEL_CASES_H
#define NNC_TESTS_QUANT_MODEL_CASES_H

#include <stdint.h>
#include <stddef.h>

typedef struct model_case {
    const char *model;
    const char *calib, *eval;  /* under data/; equal: even samples calibrate, odd ones judge */
    const char *preset, *mean, *std, *color, *scale;
    int64_t label_offset;
    size_t quick_calib, quick_eval; /* samples of the short test; 0: only in tables */
    double quick_drop;         /* largest loss of right answers in the short test, as a share */
} model_case;

#define CIFAR "cifar10/train", "cifar10/test"
#define IMAGENET "imagenet/calib", "imagenet/eval"

static const model_case model_cases[] = {
    {"resnet8-cifar10", CIFAR, "raw", NULL, NULL, NULL, NULL, 0, 64, 500, 0.01},
    {"resnet20-cifar10", CIFAR, "imagenet-torch", NULL, NULL, NULL, NULL, 0, 64, 300, 0.01},
    {"mobilenetv1-0.25", IMAGENET, "mobilenet", NULL, NULL, NULL, NULL, 0, 40, 100, 0.04},
    {"squeezenet1.1", IMAGENET, "imagenet-torch", NULL, NULL, NULL, NULL, 0, 0, 0, 0},
    {"mobilenetv2-1.0", IMAGENET, "mobilenet", NULL, NULL, NULL, NULL, 1, 0, 0, 0},
    {"dscnn-kws", "kws/kws.h5", "kws/kws.h5", NULL, NULL, NULL, NULL, NULL, 0, 80, 350, 0.015},
    {"mobilenetv1-vww", "vww/vww.h5#images", "vww/vww.h5#images", "unit", NULL, NULL, NULL, NULL, 0, 60, 100, 0.03},
    {"mnist-cnn", "mnist/train-images-idx3-ubyte.gz", "mnist/t10k-images-idx3-ubyte.gz", "mnist-raw", NULL, NULL,
     NULL, NULL, 0, 64, 500, 0.01},
    {"cnn-cifar10", CIFAR, "half", NULL, NULL, NULL, NULL, 0, 0, 0, 0},
    {"resnet18-pq", IMAGENET, "imagenet-torch", NULL, NULL, NULL, NULL, 0, 0, 0, 0},
    {"resnet56-cifar10", CIFAR, "imagenet-torch", NULL, NULL, NULL, NULL, 0, 0, 0, 0},
    {"resnet56-groupsl-cifar10", CIFAR, "cifar", NULL, NULL, NULL, NULL, 0, 0, 0, 0},
    {"cct4-cifar10", CIFAR, "cifar10-torch", NULL, NULL, NULL, NULL, 0, 0, 0, 0},
    {"squeezenet1.0-fp16", IMAGENET, NULL, "104,117,123", NULL, "bgr", NULL, 0, 0, 0, 0},
};

#endif
