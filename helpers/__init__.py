"""The code that the chapters share: short functions, each derived in a chapter and compared with Keras.

What the book derives by hand, in NumPy alone:

- `conv`: convolution and its gradient
- `pooling`: maximum and mean over windows
- `dense`: dense layers, activations, softmax, dropout, normalization
- `losses`: losses and their gradients
- `optimizers`: update rules, schedules, clipping
- `recurrent`: simple recurrent layers, LSTM, GRU
- `attention`: scaled dot-product, additive and multi-head attention
- `gradcheck`: a derived gradient against a measured one
- `layers`: these functions as the layers of a network
- `training`: splits, batches, the training of a network

What the chapters need around it:

- `data`: patients and images, from the installed packages or downloaded on demand
- `files`: DICOM and NIfTI files that people have
- `identity`: a DICOM header without the patient's name
- `transforms`: windows, sizes, turns and normalization of images
- `mri`: brain slices in which the truth is known
- `observer`: the best that anybody could do on them
- `metrics`: intervals that no library of the book has
- `survival`: Cox's model, censoring, discrete hazards, and scores that respect who was lost
- `plots`: images, signed maps and small matrices as figures
- `check`: answers to the exercises that ask you to build something

Importing a module draws no random number, prints nothing, and changes no setting.
"""
