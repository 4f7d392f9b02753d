" Specs of convolutional networks: colours without the language server.
if exists("b:current_syntax")
  finish
endif

syntax case match

syntax match cnnName "\<[A-Za-z_][A-Za-z0-9_]*\>"
syntax match cnnStep "\%(\%(^\|->\|[|;{]\|\w:\)\s*\)\@<=[A-Za-z_][A-Za-z0-9_]*"
syntax match cnnLabel "\<[A-Za-z_][A-Za-z0-9_]*\ze\s*::\@!"
syntax match cnnLabel "\%(\<from\s\+\)\@<=[A-Za-z_][A-Za-z0-9_]*"
syntax match cnnKey "\<[A-Za-z_][A-Za-z0-9_]*\ze\s*="
syntax match cnnShorthand "\<[kspdgx]\ze\%([0-9]\+\|_\)\%(x\%([0-9]\+\|_\)\)*\>"
syntax match cnnNumber "\%(\<[kspdgx]\?\)\@<=[0-9]\+\%(\%(x[0-9]\+\)\+\|\%(\.[0-9]\+\)\?\%([eE][+-]\?[0-9]\+\)\?[KMG]\?\)\>"
syntax match cnnShape "::\s*[0-9_]\+\%(x[0-9_]\+\)*"
syntax match cnnOperator "->\|//\|\*\*\|<=\|[|=+*/%-]"
syntax match cnnFunction "\<[A-Za-z_][A-Za-z0-9_]*\ze("
syntax keyword cnnForm concat add mul residual gate split outputs
syntax keyword cnnStatement input param block budget train
syntax keyword cnnKeyword shortcut auto same in from nth _
syntax region cnnString start=+"+ end=+"+ oneline
syntax match cnnComment "#.*$" contains=cnnTodo,@Spell
syntax keyword cnnTodo TODO FIXME XXX contained

highlight default link cnnStep Function
highlight default link cnnLabel Label
highlight default link cnnKey Identifier
highlight default link cnnShorthand Identifier
highlight default link cnnNumber Number
highlight default link cnnShape Type
highlight default link cnnOperator Operator
highlight default link cnnFunction Function
highlight default link cnnForm Conditional
highlight default link cnnStatement Statement
highlight default link cnnKeyword Keyword
highlight default link cnnString String
highlight default link cnnComment Comment
highlight default link cnnTodo Todo

let b:current_syntax = "cnn"
