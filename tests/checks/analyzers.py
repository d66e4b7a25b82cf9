def cppcheck(): return []
def tidy(): return []
def analyzer(): return []
