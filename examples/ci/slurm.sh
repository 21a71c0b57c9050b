#!/bin/bash
# One compression as a Slurm job: sbatch slurm.sh MODEL.onnx CALIB EVAL. SPDX-License-Identifier: Apache-2.0
#SBATCH --job-name=nncompress
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=16G
#SBATCH --time=01:00:00
#SBATCH --signal=TERM@60
set -eu
model=$1 calib=$2 eval=$3
name=$(basename "$model" .onnx)

# TOOL names the unpacked archive, on a file system of all nodes; cores are those of the job. A run that Slurm ends leaves no half files.
PATH=${TOOL:-$HOME/nncompress}/bin:$PATH
exec srun nncompress "$model" --int8 --calib "$calib" --eval "$eval" \
    --threads "${SLURM_CPUS_PER_TASK:-8}" --max-drop 1% --report-junit "$name.xml" --report-md "$name.md" \
    --output "$name.int8.onnx" --log-file "$name.$SLURM_JOB_ID.log"
