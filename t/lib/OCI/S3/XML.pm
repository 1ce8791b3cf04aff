# SPDX-License-Identifier: Apache-2.0

# The little XML that S3 needs.  Text is UTF-8 in bytes.
#
#     document('Result', tag(Key => $key), node('Owner', tag(ID => 1)))
#     my $root = OCI::S3::XML::parse($text);     # undef if it is malformed
#     $root->{name}, $root->{text}, @{ $root->{children} }

package OCI::S3::XML;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(document node tag children child_text);

my $NAME = qr/[A-Za-z_][\w:.-]*/;
my %NAMED = (amp => '&', lt => '<', gt => '>', quot => '"', apos => q('));

sub escape {
    return $_[0] =~ s/&/&amp;/gr =~ s/</&lt;/gr =~ s/>/&gt;/gr
        =~ s/"/&quot;/gr =~ s/([\x00-\x1f])/'&#' . ord($1) . ';'/ger;
}

sub tag  { "<$_[0]>" . escape($_[1]) . "</$_[0]>" }
sub node { my $name = shift; return "<$name>" . join('', @_) . "</$name>" }

# A document, in the namespace of S3 unless it is of an error.
sub document {
    my $name = shift;
    my $space = $name =~ /\AError/ ? ''
        : ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
    return qq(<?xml version="1.0" encoding="UTF-8"?>\n<$name$space>)
        . join('', @_) . "</$name>";
}

# The value of an entity reference; dies if there is no such entity.
sub entity {
    my $name = shift;
    my $number = $name =~ /\A#(\d+)\z/ ? $1
        : $name =~ /\A#x([0-9A-Fa-f]+)\z/ ? hex $1 : undef;
    my $text = defined $number ? chr $number : $NAMED{$name};
    utf8::encode($text) if defined $number;
    return $text // die "no entity $name\n";
}

sub unescape { $_[0] =~ s/&([^;]*);?/entity($1)/ger }

# Elements, attributes (which are ignored) and text; no comments, processing
# instructions or document types.
sub parse {
    my $text = shift;
    my $top = { children => [], text => '' };
    my @open = ($top);
    $text =~ s/\A(?:\xef\xbb\xbf)?(?:<\?xml[^>]*\?>)?\s*//;
    while ($text =~ /\G(?:<([^<>]*)>|([^<]+))/gc) {
        my ($markup, $characters) = ($1, $2);
        if (defined $characters) {
            $open[-1]{text} .= eval { unescape($characters) } // return;
        }
        elsif ($markup =~ m{\A/($NAME)\s*\z}) {
            my $closed = pop @open;
            return if !@open || $closed->{name} ne $1;
        }
        elsif ($markup =~ m{\A($NAME)(?:\s+$NAME\s*=\s*"[^"]*")*\s*(/?)\z}) {
            my $element = { name => $1, children => [], text => '' };
            push @{ $open[-1]{children} }, $element;
            push @open, $element if !$2;
        }
        else {
            return;
        }
    }
    return if (pos $text // 0) < length $text || @open != 1
        || @{ $top->{children} } != 1 || $top->{text} =~ /\S/;
    return $top->{children}[0];
}

sub children {
    my ($element, $name) = @_;
    return grep { $_->{name} eq $name } @{ $element->{children} };
}

# The text of the first child of a name, or undef.
sub child_text {
    my ($child) = children(@_);
    return $child ? $child->{text} : undef;
}

1;
