" Specs of convolutional networks.
autocmd BufRead,BufNewFile *.cnn setfiletype cnn
