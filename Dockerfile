# Image with the tool alone: docker build -t nncompress . && docker run --rm -v "$PWD:/work" -u "$(id -u):$(id -g)" nncompress model.onnx ...
# SPDX-License-Identifier: Apache-2.0
FROM debian:bookworm-slim AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates dpkg-dev file gcc libc6-dev cmake ninja-build pkg-config \
       protobuf-c-compiler libprotobuf-c-dev libhdf5-dev libjpeg62-turbo-dev libpng-dev zlib1g-dev libjansson-dev \
       libyaml-dev libxxhash-dev libpthreadpool-dev libfp16-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cmake -S . -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DNNC_PORTABLE=ON -DNNC_WITH_CUDA=OFF -DBUILD_TESTING=OFF \
       -DCMAKE_INSTALL_LIBDIR=lib \
    && cmake --build /build \
    && cmake --install /build --prefix /opt/nncompress --strip

FROM debian:bookworm-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="nncompress" \
      org.opencontainers.image.description="Compresses ONNX models and proves what it cost" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/nncompress /opt/nncompress
# Nothing is written outside of /work, and no home folder is needed: any user id works.
ENV PATH=/opt/nncompress/bin:$PATH LC_ALL=C.UTF-8
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["nncompress"]
CMD ["--help"]
