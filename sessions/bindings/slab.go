package bindings

const (
	slabBits = 10
	slabSize = 1 << slabBits
)

// slabRecord is a record without pointers that can stand in a list of free ones.
type slabRecord[T any] interface {
	*T
	link() *uint32
}

// slab keeps records in chunks that never move, so that growing copies nothing and the garbage collector has nothing
// to look at. A record's number is never 0, which stands for none.
type slab[T any, P slabRecord[T]] struct {
	chunks []*[slabSize]T
	top    uint32 // greatest number ever given out
	free   uint32
	used   int
}

func (s *slab[T, P]) at(number uint32) *T {
	return &s.chunks[number>>slabBits][number&(slabSize-1)]
}

// alloc gives out a zero record.
func (s *slab[T, P]) alloc() uint32 {
	s.used++
	if number := s.free; number != 0 {
		link := P(s.at(number)).link()
		s.free, *link = *link, 0
		return number
	}
	s.top++
	if int(s.top>>slabBits) == len(s.chunks) {
		s.chunks = append(s.chunks, new([slabSize]T))
	}
	return s.top
}

func (s *slab[T, P]) recycle(number uint32) {
	s.used--
	record := s.at(number)
	*record = *new(T)
	*P(record).link() = s.free
	s.free = number
}
