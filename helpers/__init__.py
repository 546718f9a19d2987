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
- `training`: splits, batches, a network of layers and its training

What the chapters need around it:

- `data`: patients and images that come with the installed packages
- `metrics`: intervals that no library of the book has
- `plots`: images, signed maps and small matrices as figures
- `check`: answers to the exercises that ask you to build something

Importing a module draws no random number, prints nothing, and changes no setting.
"""
